//! The calling thread's errno, which belongs to the program: success never touches it.

use crate::system::errno_location;

/// What it is.
pub fn get() -> i32 {
    // SAFETY: libc's word of this thread.
    unsafe { *errno_location() }
}

/// Sets it: a call of the program has failed.
pub fn set(code: i32) {
    // SAFETY: libc's word of this thread.
    unsafe { *errno_location() = code };
}

/// Calls `function`, which may touch errno, so that the program does not see it.
pub fn kept<T>(function: impl FnOnce() -> T) -> T {
    let before = get();
    let result = function();
    set(before);
    result
}
