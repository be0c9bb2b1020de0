//! What an address looks like to the kernel: for the message about a pointer that nobody allocated.

pub use crate::place::Place;
pub use crate::system::maps::describe;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_places_apart() {
        static DATA: u8 = 1;
        assert_eq!(describe(8), Place::Unmapped);
        assert_eq!(describe((&raw const DATA) as usize), Place::File);
        let mapping = crate::pages::map(1 << 16).unwrap();
        assert_eq!(describe(mapping), Place::Anonymous);
        // SAFETY: mapped above, used by nobody.
        assert!(unsafe { crate::pages::unmap(mapping, 1 << 16) });
    }
}
