//! The random bytes that the kernel gives every process.

use super::process;

/// Returns sixteen bytes, different in each process; zeros if the kernel gave none.
pub fn seed() -> [u64; 2] {
    let bytes = process::auxiliary(libc::AT_RANDOM) as *const [u64; 2];
    // SAFETY: the kernel puts sixteen bytes onto the process's stack, for as long as it lives.
    if bytes.is_null() { [0; 2] } else { unsafe { bytes.read_unaligned() } }
}
