//! Functions that are imported from libc by hand.

use core::ffi::c_void;

/// Returns libc's own `free`, under the name that nobody replaces. `None` where it is not exported (musl).
pub fn libc_free() -> Option<unsafe extern "C" fn(*mut c_void)> {
    let address = xalloc_os::weak_symbol!("__libc_free");
    if address.is_null() {
        return None;
    }
    // SAFETY: glibc declares it as `void __libc_free (void *)`.
    Some(unsafe { core::mem::transmute::<*mut u8, unsafe extern "C" fn(*mut c_void)>(address) })
}

// The `libc` crate names these libraries itself unless anything built in the same cargo run wants its feature `std`, which
// leaves it to the standard library, which is not here. Before glibc 2.34, threads and `dlsym` had libraries of their own.
#[link(name = "c")]
#[link(name = "dl")]
#[link(name = "pthread")]
unsafe extern "C" {}
