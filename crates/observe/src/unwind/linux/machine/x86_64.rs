//! x86-64.

use super::Interrupted;
use core::mem::offset_of;

/// How far before a return address an instruction surely is that belongs to the call.
pub const CALL: usize = 1;

/// How many low bits are 0 in the address of every instruction.
pub const UNUSED_BITS: u32 = 0;

/// The numbers in call frame information of the stack pointer, the frame pointer and the return address.
pub const STACK_POINTER: u64 = 7;
pub const FRAME_POINTER: u64 = 6;
pub const RETURN_ADDRESS: u64 = 16;

/// How far below the stack pointer a function may keep data.
pub const RED_ZONE: usize = 128;

/// The stack pointer is the address of the `ucontext_t`.
pub const INTERRUPTED: Interrupted = Interrupted {
    stack_pointer: register(libc::REG_RSP),
    frame_pointer: register(libc::REG_RBP),
    link: None,
    program_counter: register(libc::REG_RIP),
};

const fn register(number: i32) -> usize {
    offset_of!(libc::ucontext_t, uc_mcontext) + 8 * number as usize
}

/// The instructions to which a signal handler returns: `mov rax, 15; syscall`.
pub const SIGNAL_RETURN: [u8; 9] = [0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05];
