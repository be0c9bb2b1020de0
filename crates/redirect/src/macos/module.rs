//! The image into which this code was linked.

/// Makes dyld keep this code's image until the process ends, whoever closes it, because libSystem has pointers into it. Only a
/// constructor may call it, because it takes dyld's lock.
#[allow(clippy::disallowed_methods, reason = "never reached from malloc")]
pub fn stay_loaded() {
    let mut info = core::mem::MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: what is found is the image of this function, whose name lives as long as that is loaded.
    unsafe {
        if libc::dladdr(stay_loaded as *const core::ffi::c_void, info.as_mut_ptr()) != 0 {
            libc::dlopen((*info.as_ptr()).dli_fname, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}
