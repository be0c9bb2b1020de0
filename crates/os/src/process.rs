//! How the process was started, readable before libc's own start-up.

use crate::system::process::environment;
use core::ffi::CStr;

pub use crate::system::process::is_secure;

/// The value of the environment variable `name`, as the process was started or as libc holds it now.
///
/// Read directly: `getenv` may be another preloaded library's, and libc's environment does not exist yet when the loader
/// makes the process's first allocation.
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
            CStr::from_ptr(*entry).to_bytes()
        };
        if let Some(value) = text.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(value);
        }
        entry = entry.wrapping_add(1);
    }
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
}
