//! What depends on the processor only: x86-64.

/// A few milliseconds at most, in units of [`ticks`]: these counters run at 1 to 5 GHz.
pub const FRESH_TICKS: u64 = 1 << 20;

/// Returns the processor's counter of time, in a unit of its own.
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and every system that we know allows it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Subtracts one from the `i32` at `OFFSET` bytes behind `base`. Returns whether it is negative then. It is one instruction on
/// memory and one branch, which the compiler does not generate from atomic accesses.
///
/// # Safety
/// There is such a word, and no other thread writes it. Others may read it.
#[inline(always)]
pub unsafe fn decrement<const OFFSET: usize>(base: *const u8) -> bool {
    // SAFETY: the caller's. An aligned word is written as a whole.
    unsafe {
        core::arch::asm!(
            "dec dword ptr [{} + {}]",
            "js {}",
            in(reg) base,
            const OFFSET,
            label { return true },
            options(nostack)
        );
    }
    false
}
