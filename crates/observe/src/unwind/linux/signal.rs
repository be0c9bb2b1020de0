//! Signal handlers: the code to which they return, and the registers of what they have interrupted.

use super::cfi::Module;
use super::machine::{INTERRUPTED, SIGNAL_RETURN};
use super::stack::Stack;
use super::step::Registers;
use crate::unwind::reason::Reason;

/// Returns whether a signal handler returns to the instruction at `start`: for musl's trampoline and for aarch64's, which have
/// no call frame information.
pub fn is_trampoline(module: &Module, start: usize) -> bool {
    let is_inside = module.code().contains(&start) && module.code().end - start >= SIGNAL_RETURN.len();
    // SAFETY: the bytes are of the module's code, which can be read as long as the module is used.
    is_inside && unsafe { (start as *const [u8; SIGNAL_RETURN.len()]).read() } == SIGNAL_RETURN
}

/// Returns the registers and the stack of the code that a signal handler has interrupted. `sp` is the stack pointer when the
/// handler has returned.
pub fn interrupted(sp: usize, stack: &mut Stack) -> Result<(Registers, Stack), Reason> {
    let mut word = |offset: usize| stack.word(sp.wrapping_add(offset)).ok_or(Reason::Stack);
    let registers = Registers {
        pc: word(INTERRUPTED.program_counter)?,
        sp: word(INTERRUPTED.stack_pointer)?,
        fp: Some(word(INTERRUPTED.frame_pointer)?),
        link: INTERRUPTED.link.map(&mut word).transpose()?,
    };
    let stack = Stack::interrupted(registers.sp).ok_or(Reason::Stack)?;
    Ok((registers, stack))
}
