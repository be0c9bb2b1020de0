//! macOS: calls through libSystem, the only interface to the kernel that Apple keeps stable. The functions used here allocate
//! nothing. Another inserted library may replace them for us as for everybody (except those that we replace ourselves). If it
//! allocates in its `mmap`, it cannot be used beside a malloc.
//!
//! Written from Apple's published sources (xnu, libpthread, libmalloc, dyld); built and inspected without a Mac.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;

pub mod clock;
mod libsystem;
pub mod maps;
pub mod memory;
pub mod process;
pub mod random;
pub mod syscall;
mod tls_word;

pub use arch::thread_pointer;
pub use tls_word::{prepare_tls_word, set_tls_word, tls_word};

/// Returns the address of the calling thread's errno.
pub fn errno_location() -> *mut i32 {
    // SAFETY: libSystem's per-thread word.
    unsafe { libc::__error() }
}
