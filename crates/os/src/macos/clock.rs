//! The system's clocks.

use super::libsystem::clock_gettime_nsec_np;

/// CLOCK_UPTIME_RAW and CLOCK_UPTIME_RAW_APPROX (time.h).
const UPTIME: u32 = 8;
const UPTIME_APPROXIMATE: u32 = 9;

/// Returns the nanoseconds since an arbitrary moment. It never goes back.
pub fn nanoseconds() -> u64 {
    // SAFETY: reads a clock.
    unsafe { clock_gettime_nsec_np(UPTIME) }
}

/// Returns the same as of the kernel's last tick, which costs less.
pub fn coarse_nanoseconds() -> u64 {
    // SAFETY: reads a clock.
    unsafe { clock_gettime_nsec_np(UPTIME_APPROXIMATE) }
}
