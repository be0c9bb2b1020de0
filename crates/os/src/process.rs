//! How the process was started, readable before libc's own start-up.

use crate::system::process::{environment, program};
use core::ffi::{CStr, c_char};

pub use crate::system::process::is_secure;
#[cfg(target_os = "linux")]
pub use crate::system::process::stack_end;

/// Returns the value of the environment variable `name`, as libc has it now, or before libc has it, as the process was started.
///
/// It reads the environment itself: `getenv` may be another preloaded library's, and libc has no environment yet when the
/// loader makes the process's first allocation.
pub fn variable(name: &str) -> Option<&'static [u8]> {
    let mut entry = environment();
    if entry.is_null() {
        return None;
    }
    loop {
        // SAFETY: the array ends with a null pointer, and each entry before it is a string.
        let text = unsafe {
            if (*entry).is_null() {
                return None;
            }
            CStr::from_ptr(*entry)
        };
        if let Some(value) = value(text, name) {
            return Some(value);
        }
        entry = entry.wrapping_add(1);
    }
}

/// Returns the program's name: the last part of the path by which it was started; for a script the script's. Empty if it is not
/// known. It can be read at any moment, and does not change.
pub fn program_name() -> &'static [u8] {
    let path = program().to_bytes();
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// Removes the variable `name` from the environment, so that the programs which this one starts do not get it. It removes it
/// from the array that the process was started with, as the loader does with its own variables, because libc has no environment
/// yet.
///
/// # Safety
/// No other thread uses the environment.
pub unsafe fn remove_variable(name: &str) {
    let environment = environment().cast_mut();
    if !environment.is_null() {
        // SAFETY: the environment is an array of strings that ends with a null pointer, and no other thread uses it.
        unsafe { remove(environment, name) };
    }
}

/// # Safety
/// `entry` is the first element of an array of strings that ends with a null pointer, and nobody else uses the array.
unsafe fn remove(mut entry: *mut *const c_char, name: &str) {
    let mut kept = entry;
    loop {
        // SAFETY: up to the null pointer all elements are strings, and `kept` is never behind `entry`.
        unsafe {
            let text = *entry;
            if text.is_null() || value(CStr::from_ptr(text), name).is_none() {
                *kept = text;
                kept = kept.add(1);
            }
            if text.is_null() {
                return;
            }
            entry = entry.add(1);
        }
    }
}

/// Returns the value in an entry of the environment, if the entry is the variable `name`.
fn value<'a>(entry: &'a CStr, name: &str) -> Option<&'a [u8]> {
    entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_variables_by_their_whole_name() {
        let path = std::env::var_os("PATH").unwrap();
        assert_eq!(variable("PATH"), Some(path.as_encoded_bytes()));
        assert_eq!(variable("PAT"), None);
        assert_eq!(variable("XALLOC_NO_SUCH_VARIABLE"), None);
    }

    #[test]
    fn knows_the_programs_name() {
        let path = std::env::current_exe().unwrap();
        assert_eq!(program_name(), path.file_name().unwrap().as_encoded_bytes());
    }

    #[test]
    fn removes_a_variable_wherever_it_stands() {
        let (first, other, longer, last) = (c"NAME=1", c"OTHER=NAME=", c"NAMES=2", c"NAME=");
        for entries in [[first, other, longer, last], [other, first, last, longer]] {
            let mut array = entries.map(CStr::as_ptr).to_vec();
            array.push(core::ptr::null());
            // SAFETY: strings and a null pointer, which only this test uses.
            unsafe { remove(array.as_mut_ptr(), "NAME") };
            assert_eq!(array[..3], [other.as_ptr(), longer.as_ptr(), core::ptr::null()]);
        }
    }
}
