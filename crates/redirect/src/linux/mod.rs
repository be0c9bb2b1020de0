//! Linux: what the redirection needs of glibc, its loader and the C++ runtime beyond C.

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

/// Whether `realloc(block, 0)` frees the block and returns null, as glibc does.
pub const REALLOC_TO_ZERO_FREES: bool = true;

/// Calls `allocate(size, second, op)` and returns its result. If that is null, calls `successor(op)` and *jumps* to the
/// function that it returns, with the original `(size, second)`.
///
/// The jump leaves no frame of ours on the stack, so the function may throw a C++ exception through the caller. `operator new`
/// uses it to call the C++ runtime's own operator, which runs the `new_handler` loop and throws `std::bad_alloc`.
///
/// # Safety
/// `allocate` and `successor` are sound for these arguments, and the function that `successor` returns takes `(size, second)`.
#[unsafe(naked)]
pub unsafe extern "C" fn jump_if_null(
    size: usize,
    second: usize,
    op: usize,
    allocate: unsafe extern "C" fn(usize, usize, usize) -> *mut u8,
    successor: unsafe extern "C" fn(usize) -> *const u8,
) -> *mut u8 {
    arch::jump_if_null!()
}
