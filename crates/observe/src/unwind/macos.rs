//! macOS: every function keeps the frame pointer, as the ABI demands.

use super::frames::Frames;
use super::reason::{self, Reason};
use super::registers::strip;
use core::ffi::c_void;

/// Fills the request from the caller's registers on. Returns how many frames there are.
///
/// # Safety
/// `request` is the address of [`Frames`] that nobody else uses; the registers are those of a caller of this function.
pub unsafe extern "C" fn walk(request: *mut c_void, pc: usize, sp: usize, mut frame_pointer: usize) -> usize {
    // SAFETY: the caller's.
    let frames = unsafe { &mut *request.cast::<Frames<'_>>() };
    // SAFETY: functions of libSystem that read the thread's own record.
    let end = unsafe { libc::pthread_get_stackaddr_np(libc::pthread_self()) as usize };
    let mut above = sp;
    let mut is_free = frames.push(pc);
    while is_free && frame_pointer != 0 {
        if frame_pointer < above || frame_pointer.saturating_add(16) > end || !frame_pointer.is_multiple_of(8) {
            reason::count(Reason::Stack);
            break;
        }
        // SAFETY: two aligned words between this function's frame and the end of the thread's stack.
        let [next, address] = unsafe { *(frame_pointer as *const [usize; 2]) };
        if address == 0 {
            break;
        }
        is_free = frames.push(strip(address));
        (above, frame_pointer) = (frame_pointer + 16, next);
    }
    frames.len()
}
