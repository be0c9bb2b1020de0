//! How the kernel started the process, readable before libc's own start-up.

use core::ffi::{CStr, c_char};

/// Returns the environment as libc has it now, or as the process was started; null if there is none.
pub fn environment() -> *const *const c_char {
    let variable = crate::weak_symbol!("environ").cast::<*const *const c_char>();
    // SAFETY: libc's variable, which nobody changes during the first allocation of the process.
    let current = if variable.is_null() { core::ptr::null() } else { unsafe { *variable } };
    if !current.is_null() { current } else { initial_environment() }
}

/// Returns the environment that the kernel put on the stack, behind argc, the arguments and a null pointer.
fn initial_environment() -> *const *const c_char {
    let end = crate::weak_symbol!("__libc_stack_end").cast::<*const usize>();
    if end.is_null() {
        return core::ptr::null();
    }
    // SAFETY: glibc's loader sets the variable to the process's initial stack pointer before it loads anything.
    unsafe {
        let stack = *end;
        if stack.is_null() {
            return core::ptr::null();
        }
        stack.add(1 + *stack + 1).cast()
    }
}

/// Returns the auxiliary vector's entry `kind`; 0 if the kernel gave none.
pub fn auxiliary(kind: u64) -> usize {
    // SAFETY: reads the loader's copy; needs no lock and no libc start-up.
    #[cfg(not(miri))]
    let value = unsafe { libc::getauxval(kind) as usize };
    #[cfg(miri)]
    let value = super::arch::auxiliary(kind);
    value
}

/// Returns whether the process runs with more rights than its caller (set-uid, file capabilities). Then nothing that the caller
/// chose may be trusted.
pub fn is_secure() -> bool {
    auxiliary(libc::AT_SECURE) != 0
}

/// Returns the path by which the program was started, or its name; empty if the kernel gave none.
pub fn program() -> &'static CStr {
    let path = auxiliary(libc::AT_EXECFN) as *const c_char;
    // SAFETY: the kernel's string at the end of the stack, behind the environment, which stays there.
    if path.is_null() { c"" } else { unsafe { CStr::from_ptr(path) } }
}

/// Returns the end of the main thread's stack, as far as anything is put there: the address of the last string. 0 if the kernel
/// gave none.
pub fn stack_end() -> usize {
    auxiliary(libc::AT_EXECFN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_initial_environment_on_the_stack() {
        let first = initial_environment();
        assert!(!first.is_null());
        // SAFETY: as in `variable`; the test process was started with an environment.
        let text = unsafe { CStr::from_ptr(*first) };
        assert!(text.to_bytes().contains(&b'='));
    }
}
