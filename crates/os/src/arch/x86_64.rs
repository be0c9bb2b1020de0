//! x86-64, whatever the system.

/// A few milliseconds at most, in [`ticks`]: these counters run at 1 to 5 GHz.
pub const FRESH_TICKS: u64 = 1 << 20;

/// The processor's counter of time, in units of its own.
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and every system that we know allows it.
    unsafe { core::arch::x86_64::_rdtsc() }
}
