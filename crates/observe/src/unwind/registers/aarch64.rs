//! aarch64. `x86_64.rs` explains the second function.

use core::ffi::c_void;

/// Returns a return address without its signature, which a function may put into the bits that addresses do not use.
#[inline(always)]
pub fn strip(address: usize) -> usize {
    let stripped;
    // SAFETY: `xpaclri`, which older processors take for no operation. It changes this register and nothing else.
    unsafe {
        core::arch::asm!(
            "hint #7",
            inlateout("x30") address => stripped,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    stripped
}

/// Returns what `walk` returns, called with `request` and three registers of the caller.
///
/// # Safety
/// `walk` may be called with `request`.
#[unsafe(naked)]
pub unsafe extern "C" fn with_registers(
    request: *mut c_void,
    walk: unsafe extern "C" fn(*mut c_void, usize, usize, usize) -> usize,
) -> usize {
    // x16, because a jump through another register may not go to the start of a function.
    core::arch::naked_asm!("mov x16, x1", "mov x1, x30", "mov x2, sp", "mov x3, x29", "br x16")
}
