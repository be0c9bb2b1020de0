//! Linux: what of glibc, its loader and the C++ runtime the redirection needs beyond what C says.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
mod arch;

pub mod dlsym;
pub mod foreign;
mod libc_imports;
pub mod libc_symbols;
pub mod module;
mod next_allocator;
pub mod stdio;

pub use arch::jump_if_null;

/// What `realloc(block, 0)` means here: glibc frees the block and returns null.
pub const REALLOC_TO_ZERO_FREES: bool = true;
