//! A number that nobody outside of the process knows.

use crate::system::random::seed;
use crate::{arch, thread};

/// Returns a secret of the process. Each call returns another one.
///
/// It is made of the random bytes that the process got from the kernel at its start, so it needs no system call. Libc makes its
/// own secrets of the same bytes, so they are mixed in a way that cannot be undone.
pub fn secret() -> usize {
    let [first, second] = seed();
    // Odd constants with as many ones as zeros: that of the golden ratio, and one of the murmur hash.
    let first = (first ^ arch::ticks()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let second = (second ^ thread::token() as u64).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = first ^ second.rotate_left(32);
    (mixed ^ mixed >> 29) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gives_a_seed() {
        let [first, second] = seed();
        assert!(first != 0 && second != 0 && first != second);
        assert_ne!(secret(), 0);
    }
}
