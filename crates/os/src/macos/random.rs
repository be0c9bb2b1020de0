//! Random bytes from the kernel.

/// Returns sixteen bytes, different at each call; zeros if the kernel gives none.
pub fn seed() -> [u64; 2] {
    let mut bytes = [0_u64; 2];
    // SAFETY: libSystem's, a system call that allocates nothing; it writes that many bytes.
    unsafe { libc::getentropy(bytes.as_mut_ptr().cast(), size_of_val(&bytes)) };
    bytes
}
