//! Call stacks: the return addresses of the calling thread, on programs that are built without frame pointers.
//!
//! On Linux, each module says in its call frame information (`.eh_frame`, which exceptions need) how to get from an instruction
//! to the caller's one. [`capture`] finds the module without a lock, reads the entry for the address, and keeps what it says as
//! a row of three facts: where the frame is, where the return address is, where the caller's frame pointer is. Rows are cached,
//! so that a frame usually costs one look at the cache and two at the stack. On macOS every function keeps a frame pointer, as
//! the ABI demands, and these are followed.
//!
//! Nothing here allocates, takes a lock or changes anything but the cache and the counters, so it may be called from malloc and
//! from signal handlers. What is read of the stack is checked against the thread's stack, and what is read of a module against
//! its segment: what is corrupt ends the walk. One thing is not checked: a module must not be unmapped while a thread that
//! still has frames of it walks.

mod frames;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod macos;
mod reason;
mod registers;

#[cfg(target_os = "linux")]
use linux::walk::walk;
#[cfg(target_os = "macos")]
use macos::walk;

use core::ops::Range;
use frames::Frames;
use registers::with_registers;

#[cfg(target_os = "linux")]
pub use linux::{FindObject, MODULES, invalidate, set_finder, use_loader};
pub use reason::{Reason, Stats, stats};

/// Fills `frames` with the return addresses of the calling thread, innermost first, and returns how many there are. The first
/// one, without `skip`, is in the function that calls this one; `skip` leaves out that many. Where a signal handler was called,
/// its frame is followed by the address of the trampoline to which it returns and that of the interrupted instruction.
#[inline(always)]
pub fn capture(frames: &mut [usize], skip: usize) -> usize {
    capture_into(Frames::new(frames, skip, 0..0))
}

/// Does the same as [`capture`], but leaves out the frames at the beginning whose code is in `own`. For a library that wants
/// the frame that called it: how many of its own are before depends on what the compiler inlines.
#[inline(always)]
pub fn capture_outside(frames: &mut [usize], own: Range<usize>) -> usize {
    capture_into(Frames::new(frames, 0, own))
}

/// Returns the addresses of the code of the module that has code at `at`; an empty range if there is none.
pub fn code_around(at: usize) -> Range<usize> {
    #[cfg(target_os = "linux")]
    return linux::code_around(at);
    #[cfg(target_os = "macos")]
    return at..at;
}

#[inline(always)]
fn capture_into(mut frames: Frames<'_>) -> usize {
    // SAFETY: `walk` takes the address of `Frames` that nothing else uses meanwhile.
    unsafe { with_registers((&raw mut frames).cast(), walk) }
}
