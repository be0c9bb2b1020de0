//! aarch64. `x86_64.rs` explains each item.

use super::Interrupted;
use core::mem::offset_of;

pub const CALL: usize = 4;

pub const UNUSED_BITS: u32 = 2;

pub const STACK_POINTER: u64 = 31;
pub const FRAME_POINTER: u64 = 29;
pub const RETURN_ADDRESS: u64 = 30;

/// The ABI has none.
pub const RED_ZONE: usize = 0;

pub const INTERRUPTED: Interrupted = Interrupted {
    stack_pointer: REGISTERS + offset_of!(libc::mcontext_t, sp),
    frame_pointer: REGISTERS + offset_of!(libc::mcontext_t, regs) + 8 * 29,
    link: Some(REGISTERS + offset_of!(libc::mcontext_t, regs) + 8 * 30),
    program_counter: REGISTERS + offset_of!(libc::mcontext_t, pc),
};

/// The kernel puts a `siginfo_t` below the `ucontext_t`.
const REGISTERS: usize = size_of::<libc::siginfo_t>() + offset_of!(libc::ucontext_t, uc_mcontext);

/// `mov x8, #139; svc #0`: in the vDSO, without call frame information.
pub const SIGNAL_RETURN: [u8; 8] = [0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4];
