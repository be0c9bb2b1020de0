//! `pthread_create` as the program's libc has it.

use crate::next_function::NextFunction;
use core::ffi::{c_int, c_void};

/// A thread function as `pthread_create` takes it.
pub type PthreadStart = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
/// `pthread_create` itself.
pub type PthreadCreate =
    unsafe extern "C" fn(*mut libc::pthread_t, *const libc::pthread_attr_t, PthreadStart, *mut c_void) -> c_int;

/// The next `pthread_create`.
pub static PTHREAD_CREATE: NextFunction = NextFunction::named(c"pthread_create");
