//! x86-64 macOS: access to a thread's specific data.

use core::arch::asm;

/// Returns the thread pointer: different for every living thread, never 0.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: libpthread keeps the thread's own address in its first slot, at gs:0.
    unsafe { asm!("mov {}, qword ptr gs:[0]", out(reg) pointer, options(pure, readonly, nostack, preserves_flags)) };
    pointer
}

/// Returns the word at `offset` bytes in the calling thread's array of specific data.
///
/// # Safety
/// `offset` is that of a key.
#[inline(always)]
pub unsafe fn specific(offset: usize) -> *mut u8 {
    let word: *mut u8;
    // SAFETY: the offset is that of a slot of thread-specific values. `readonly`, not `nomem`, so that `set_specific` counts.
    unsafe {
        asm!("mov {}, qword ptr gs:[{}]", out(reg) word, in(reg) offset, options(pure, readonly, nostack, preserves_flags))
    };
    word
}

/// Sets the word at `offset` bytes in that array.
///
/// # Safety
/// `offset` is that of a key of ours.
#[inline(always)]
pub unsafe fn set_specific(offset: usize, word: *mut u8) {
    // SAFETY: the offset is that of a thread-specific value, whose slot every thread has.
    unsafe { asm!("mov qword ptr gs:[{}], {}", in(reg) offset, in(reg) word, options(nostack, preserves_flags)) };
}
