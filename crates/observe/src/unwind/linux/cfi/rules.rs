//! From the rules that call frame information gives for an address to a row.

use super::entry::Entry;
use super::expression::{self, Address};
use super::module::Module;
use super::program::{self, CfaRule, Rule, Rules};
use super::row::{Cfa, Frame, Place, Row};
use crate::unwind::linux::machine::{FRAME_POINTER, STACK_POINTER};
use crate::unwind::reason::Reason;

/// Returns what the module says of the instruction at `at`.
pub fn row(module: &Module, at: usize) -> Row {
    read(module, at).unwrap_or_else(Row::Unknown)
}

fn read(module: &Module, at: usize) -> Result<Row, Reason> {
    let entry = Entry::find(module, at)?;
    if entry.is_signal {
        return Ok(Row::Signal);
    }
    let rules = program::run(&entry, at)?;
    let return_address = match rules.return_address {
        Rule::Undefined => return Ok(Row::Outermost),
        Rule::Same => Place::Same,
        Rule::At(offset) => Place::AtCfa(narrow(offset)?),
        Rule::AtExpression(_) | Rule::Other => return Err(Reason::Rule),
    };
    Ok(Row::Frame(Frame { cfa: cfa(&rules, at)?, frame_pointer: frame_pointer(&rules, at)?, return_address }))
}

fn cfa(rules: &Rules, at: usize) -> Result<Cfa, Reason> {
    let address = match rules.cfa {
        CfaRule::Unset => return Err(Reason::Corrupt),
        CfaRule::Register(STACK_POINTER, offset) => Address::FromStack(offset),
        CfaRule::Register(FRAME_POINTER, offset) => Address::FromFrame(offset),
        CfaRule::Register(..) => return Err(Reason::Register),
        CfaRule::Expression(expression) => expression::address(expression, at)?,
    };
    Ok(match address {
        Address::FromStack(offset) => Cfa::StackPointer(narrow(offset)?),
        Address::FromFrame(offset) => Cfa::FramePointer(narrow(offset)?),
        Address::WordFromFrame(offset) => Cfa::AtFramePointer(narrow(offset)?),
    })
}

/// A frame pointer that is not found is not needed yet: most frames are found by the stack pointer.
fn frame_pointer(rules: &Rules, at: usize) -> Result<Place, Reason> {
    Ok(match rules.frame_pointer {
        Rule::Same => Place::Same,
        Rule::At(offset) => Place::AtCfa(narrow(offset)?),
        Rule::AtExpression(expression) => match expression::address(expression, at) {
            Ok(Address::FromFrame(offset)) => Place::AtFramePointer(narrow(offset)?),
            _ => Place::Lost,
        },
        Rule::Undefined | Rule::Other => Place::Lost,
    })
}

fn narrow(offset: i64) -> Result<i32, Reason> {
    i32::try_from(offset).map_err(|_| Reason::Corrupt)
}
