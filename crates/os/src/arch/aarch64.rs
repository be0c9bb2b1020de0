//! aarch64, whatever the system. Each item as in `x86_64.rs`, where it is explained.

/// A few milliseconds at most, in [`ticks`]: these counters run at 24 MHz to 1 GHz.
pub const FRESH_TICKS: u64 = 1 << 16;

/// The processor's counter of time, in units of its own.
pub fn ticks() -> u64 {
    let count: u64;
    // SAFETY: Linux and macOS allow user space to read the virtual counter.
    unsafe { core::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags)) };
    count
}
