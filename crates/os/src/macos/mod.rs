//! macOS: through libSystem, the only interface to the kernel that Apple keeps. What it does here allocates nothing. Another
//! inserted library may replace these functions for us as for everybody (but for those that we replace ourselves); one that
//! allocates in its `mmap` cannot stand beside a malloc.
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

/// The calling thread's errno.
pub fn errno_location() -> *mut i32 {
    // SAFETY: libSystem's per-thread word.
    unsafe { libc::__error() }
}
