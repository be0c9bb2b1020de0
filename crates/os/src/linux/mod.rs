//! Linux: system calls made directly, because a call through libc may land in another preloaded library.

#[cfg_attr(miri, path = "miri.rs")]
#[cfg_attr(all(target_arch = "x86_64", not(miri)), path = "x86_64.rs")]
#[cfg_attr(all(target_arch = "aarch64", not(miri)), path = "aarch64.rs")]
mod arch;

pub mod clock;
pub mod maps;
pub mod memory;
pub mod process;
pub mod random;
pub mod symbols;
pub mod syscall;
mod vdso;

pub use arch::{set_tls_word, thread_pointer, tls_word};

/// Does nothing: the TLS word exists as soon as a thread does.
#[inline(always)]
pub fn prepare_tls_word() {}

/// Returns the address of the calling thread's errno.
pub fn errno_location() -> *mut i32 {
    // SAFETY: libc's per-thread word.
    unsafe { libc::__errno_location() }
}
