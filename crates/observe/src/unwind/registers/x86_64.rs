//! x86-64.

use core::ffi::c_void;

/// Returns a return address without what the processor has put into it: nothing here.
#[inline(always)]
pub fn strip(address: usize) -> usize {
    address
}

/// Returns what `walk` returns, called with `request` and three registers of the caller, as they are when this function has
/// returned: the program counter, the stack pointer, the frame pointer.
///
/// # Safety
/// `walk` may be called with `request`.
#[unsafe(naked)]
pub unsafe extern "C" fn with_registers(
    request: *mut c_void,
    walk: unsafe extern "C" fn(*mut c_void, usize, usize, usize) -> usize,
) -> usize {
    core::arch::naked_asm!(
        "mov rax, rsi",
        "mov rsi, qword ptr [rsp]",
        "lea rdx, [rsp + 8]",
        "mov rcx, rbp",
        // A jump: `walk` returns to the caller.
        "jmp rax",
    )
}
