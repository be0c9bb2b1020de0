//! The few expressions of DWARF that compilers and linkers write. They are recognised by their shape; none is evaluated.

use super::reader::Reader;
use crate::unwind::linux::machine::{FRAME_POINTER, STACK_POINTER};
use crate::unwind::reason::Reason;

/// An address that an expression says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// The stack pointer and an offset.
    FromStack(i64),
    /// The frame pointer and an offset.
    FromFrame(i64),
    /// What is in the word at the frame pointer and an offset: functions that align their stack.
    WordFromFrame(i64),
}

/// Returns the address that `expression` says for the instruction at `at`.
pub fn address(mut expression: Reader, at: usize) -> Result<Address, Reason> {
    const REGISTER: u8 = 0x70;
    const DEREF: u8 = 0x06;
    let register = expression.u8()?.wrapping_sub(REGISTER);
    let offset = expression.signed()?;
    match (u64::from(register), expression.left()) {
        (STACK_POINTER, 0) => Ok(Address::FromStack(offset)),
        (FRAME_POINTER, 0) => Ok(Address::FromFrame(offset)),
        (FRAME_POINTER, 1) if expression.u8()? == DEREF => Ok(Address::WordFromFrame(offset)),
        (STACK_POINTER, 9) => procedure_linkage(expression, at).map(|pushed| Address::FromStack(offset + pushed)),
        _ => Err(Reason::Expression),
    }
}

/// Returns how many bytes an entry of the procedure linkage table has pushed before the instruction at `at`. Linkers describe
/// the whole table by one expression: `((rip & 15) >= N) << 3`, because an entry has 16 bytes and pushes one word at its N-th.
fn procedure_linkage(mut expression: Reader, at: usize) -> Result<i64, Reason> {
    const RIP: [u8; 2] = [0x80, 0];
    const LITERAL: u8 = 0x30;
    let (register, rest) = ([expression.u8()?, expression.u8()?], [expression.u8()?, expression.u8()?]);
    let pushed_at = expression.u8()?.wrapping_sub(LITERAL);
    let end = [expression.u8()?, expression.u8()?, expression.u8()?, expression.u8()?];
    // and; then, after the number: ge, shl by 3, plus.
    if register != RIP || rest != [LITERAL + 15, 0x1a] || pushed_at >= 16 || end != [0x2a, LITERAL + 3, 0x24, 0x22] {
        return Err(Reason::Expression);
    }
    Ok(if at & 15 >= usize::from(pushed_at) { 8 } else { 0 })
}
