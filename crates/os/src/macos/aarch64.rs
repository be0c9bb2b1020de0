//! aarch64 macOS: where a thread's specific data are. Each item as in `x86_64.rs`.

use core::arch::asm;

/// The thread pointer: different for every living thread, never 0.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    // The lowest bits held a processor number once, which a thread can leave behind at any moment.
    // SAFETY: reads a register that user code may read.
    unsafe {
        asm!(
            "mrs {0}, tpidrro_el0",
            "and {0}, {0}, #0xfffffffffffffff8",
            out(reg) pointer,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    pointer
}

/// The word at `offset` bytes in the calling thread's array of specific data, which is where the thread pointer points.
///
/// # Safety
/// `offset` is that of a key.
#[inline(always)]
pub unsafe fn specific(offset: usize) -> *mut u8 {
    // SAFETY: the offset is that of a slot of thread-specific values. Volatile, because another access of this thread may go by libpthread.
    unsafe { ((thread_pointer() + offset) as *const *mut u8).read_volatile() }
}

/// Sets the word at `offset`.
///
/// # Safety
/// `offset` is that of a key of ours.
#[inline(always)]
pub unsafe fn set_specific(offset: usize, word: *mut u8) {
    // SAFETY: the offset is that of a thread-specific value, whose slot every thread has.
    unsafe { ((thread_pointer() + offset) as *mut *mut u8).write_volatile(word) };
}
