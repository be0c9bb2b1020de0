//! aarch64 macOS: access to a thread's specific data. `x86_64.rs` explains each item.

use core::arch::asm;

/// Returns the thread pointer: different for every living thread, never 0.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    // The lowest bits once held the processor's number, which changes while a thread runs.
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

/// Returns the word at `offset` bytes in the calling thread's array of specific data, which begins at the thread pointer.
///
/// # Safety
/// `offset` is that of a key.
#[inline(always)]
pub unsafe fn specific(offset: usize) -> *mut u8 {
    // SAFETY: the offset is that of a slot of thread-specific values. Volatile, because another access of this thread may go by
    // libpthread.
    unsafe { ((thread_pointer() + offset) as *const *mut u8).read_volatile() }
}

/// Sets the word at `offset` bytes in that array.
///
/// # Safety
/// `offset` is that of a key of ours.
#[inline(always)]
pub unsafe fn set_specific(offset: usize, word: *mut u8) {
    // SAFETY: the offset is that of a thread-specific value, whose slot every thread has.
    unsafe { ((thread_pointer() + offset) as *mut *mut u8).write_volatile(word) };
}
