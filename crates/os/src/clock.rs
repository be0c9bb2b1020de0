//! Time, cheap enough for slow paths.

/// Milliseconds since an arbitrary moment, only forwards, as coarse as the kernel's tick.
pub fn coarse_milliseconds() -> u64 {
    crate::syscall::clock(libc::CLOCK_MONOTONIC_COARSE) / 1_000_000
}
