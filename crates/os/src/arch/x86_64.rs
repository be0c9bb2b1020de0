//! x86-64, whatever the system.

/// A few milliseconds at most, in [`ticks`]: these counters run at 1 to 5 GHz.
pub const FRESH_TICKS: u64 = 1 << 20;

/// The processor's counter of time, in units of its own.
pub fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and every system that we know allows it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Takes one from the `i32` that is `OFFSET` bytes behind `base`; whether it is negative then. One instruction on memory and one
/// branch, which the compiler does not make of atomic accesses.
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
