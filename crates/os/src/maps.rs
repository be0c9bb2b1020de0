//! What an address looks like to the kernel: for the message about a pointer that nobody allocated.

pub use crate::system::maps::describe;

/// The kind of memory at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing is mapped there.
    Unmapped,
    /// A stack that the kernel knows as one: on Linux the main thread's.
    Stack,
    /// Memory that a file backs: a program's or library's code or data.
    File,
    /// The `brk` heap, which glibc's malloc uses.
    Break,
    /// Memory from an anonymous `mmap`: other threads' stacks, other allocators' heaps.
    Anonymous,
    /// The kernel does not say.
    Unknown,
}

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
