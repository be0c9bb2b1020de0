//! The calling thread's errno. It belongs to the program: a call that succeeds never changes it.

use crate::system::errno_location;

/// Returns the calling thread's errno.
pub fn get() -> i32 {
    // SAFETY: libc's word of this thread.
    unsafe { *errno_location() }
}

/// Sets the calling thread's errno, because a call of the program has failed.
pub fn set(code: i32) {
    // SAFETY: libc's word of this thread.
    unsafe { *errno_location() = code };
}

/// Calls `function` and then restores errno, so that the program does not see what `function` did to it.
pub fn kept<T>(function: impl FnOnce() -> T) -> T {
    let before = get();
    let result = function();
    set(before);
    result
}
