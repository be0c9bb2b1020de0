//! Linux: system calls made directly, because a call through libc may land in another preloaded library.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;

pub mod foreign;
mod libc_imports;
pub mod libc_symbols;
pub mod maps;
pub mod memory;
pub mod module;
pub mod next;
mod next_allocator;
pub mod process;
pub mod random;
pub mod stdio;
mod symbols;
pub mod syscall;
mod vdso;

pub use arch::{jump_if_null, set_tls_word, thread_pointer, tls_word};

/// The TLS word is there when a thread is.
#[inline(always)]
pub fn prepare_tls_word() {}

/// The calling thread's errno.
pub fn errno_location() -> *mut i32 {
    // SAFETY: libc's per-thread word.
    unsafe { libc::__errno_location() }
}

/// What `realloc(block, 0)` means here: glibc frees the block and returns null.
pub const REALLOC_TO_ZERO_FREES: bool = true;
