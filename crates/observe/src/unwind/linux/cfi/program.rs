//! The programs of call frame information: each instruction changes a rule, or goes to the next address.

use super::entry::Entry;
use super::reader::Reader;
use crate::unwind::linux::machine::{FRAME_POINTER, RETURN_ADDRESS};
use crate::unwind::reason::Reason;

/// How the canonical frame address, the caller's stack pointer, is found.
#[derive(Clone, Copy, Debug)]
pub enum CfaRule {
    /// No instruction has said it.
    Unset,
    /// A register, and what to add.
    Register(u64, i64),
    Expression(Reader),
}

/// How a register of the caller is found.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// It still has the caller's value.
    Same,
    /// In the word at this distance from the canonical frame address.
    At(i64),
    /// In the word whose address the expression is.
    AtExpression(Reader),
    /// It does not exist.
    Undefined,
    /// In a way that is not followed.
    Other,
}

/// The rules for one address.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub cfa: CfaRule,
    pub frame_pointer: Rule,
    pub return_address: Rule,
}

/// How many states a program may remember at once. Compilers need one or two.
const DEPTH: usize = 8;

const START: Rules = Rules { cfa: CfaRule::Unset, frame_pointer: Rule::Same, return_address: Rule::Same };

/// Returns the rules for the instruction at `at`.
pub fn run(entry: &Entry, at: usize) -> Result<Rules, Reason> {
    let mut machine =
        Machine { entry, rules: START, initial: START, location: entry.start, remembered: [START; DEPTH], depth: 0 };
    // The common program has no locations: it ends before the first one.
    machine.run(entry.common_program, usize::MAX)?;
    machine.initial = machine.rules;
    machine.location = entry.start;
    machine.run(entry.program, at)?;
    Ok(machine.rules)
}

struct Machine<'a> {
    entry: &'a Entry,
    rules: Rules,
    /// The rules when the common program has run.
    initial: Rules,
    location: usize,
    remembered: [Rules; DEPTH],
    depth: usize,
}

impl Machine<'_> {
    /// Runs a program to its end, or until it comes to a location behind `at`.
    fn run(&mut self, mut program: Reader, at: usize) -> Result<(), Reason> {
        while program.left() > 0 {
            let code = program.u8()?;
            let low = u64::from(code & 0x3f);
            match code >> 6 {
                0 => self.execute(code, &mut program)?,
                1 => self.advance(low),
                2 => {
                    let distance = program.unsigned()?;
                    self.set_at_factored(low, distance as i64);
                }
                _ => self.restore(low),
            }
            if self.location > at {
                break;
            }
        }
        Ok(())
    }

    /// Executes an instruction that has no number in itself.
    fn execute(&mut self, code: u8, program: &mut Reader) -> Result<(), Reason> {
        match code {
            // nop
            0x00 => {}
            // advance_loc1, advance_loc2, advance_loc4
            0x02 => self.advance(program.u8()?.into()),
            0x03 => self.advance(program.u16()?.into()),
            0x04 => self.advance(program.u32()?.into()),
            // offset_extended, offset_extended_sf, GNU_negative_offset_extended
            0x05 => self.set_at_factored(program.unsigned()?, program.unsigned()? as i64),
            0x11 => self.set_at_factored(program.unsigned()?, program.signed()?),
            0x2f => self.set_at_factored(program.unsigned()?, (program.unsigned()? as i64).wrapping_neg()),
            // restore_extended
            0x06 => self.restore(program.unsigned()?),
            // undefined, same_value
            0x07 => self.set(program.unsigned()?, Rule::Undefined),
            0x08 => self.set(program.unsigned()?, Rule::Same),
            // register, val_offset, val_offset_sf
            0x09 | 0x14 => {
                self.set(program.unsigned()?, Rule::Other);
                program.unsigned()?;
            }
            0x15 => {
                self.set(program.unsigned()?, Rule::Other);
                program.signed()?;
            }
            // expression, val_expression
            0x10 => {
                let register = program.unsigned()?;
                let expression = block(program)?;
                self.set(register, Rule::AtExpression(expression));
            }
            0x16 => {
                self.set(program.unsigned()?, Rule::Other);
                block(program)?;
            }
            // remember_state, restore_state
            0x0a => self.remember()?,
            0x0b => self.recall()?,
            0x0c..=0x0f | 0x12 | 0x13 => self.define_cfa(code, program)?,
            // aarch64's negate_ra_state: return addresses are stripped always. On other machines GNU_window_save, which is
            // none of theirs.
            0x2d => {}
            // GNU_args_size
            0x2e => _ = program.unsigned()?,
            _ => return Err(Reason::Form),
        }
        Ok(())
    }

    /// Executes an instruction that changes the rule for the canonical frame address.
    fn define_cfa(&mut self, code: u8, program: &mut Reader) -> Result<(), Reason> {
        let alignment = self.entry.data_alignment;
        self.rules.cfa = match (code, self.rules.cfa) {
            // def_cfa, def_cfa_sf
            (0x0c, _) => CfaRule::Register(program.unsigned()?, program.unsigned()? as i64),
            (0x12, _) => CfaRule::Register(program.unsigned()?, program.signed()?.wrapping_mul(alignment)),
            // def_cfa_register
            (0x0d, CfaRule::Register(_, offset)) => CfaRule::Register(program.unsigned()?, offset),
            // def_cfa_offset, def_cfa_offset_sf
            (0x0e, CfaRule::Register(register, _)) => CfaRule::Register(register, program.unsigned()? as i64),
            (0x13, CfaRule::Register(register, _)) => {
                CfaRule::Register(register, program.signed()?.wrapping_mul(alignment))
            }
            // def_cfa_expression
            (0x0f, _) => CfaRule::Expression(block(program)?),
            _ => return Err(Reason::Corrupt),
        };
        Ok(())
    }

    fn advance(&mut self, distance: u64) {
        self.location = self.location.saturating_add(distance.saturating_mul(self.entry.code_alignment) as usize);
    }

    fn set_at_factored(&mut self, register: u64, distance: i64) {
        self.set(register, Rule::At(distance.wrapping_mul(self.entry.data_alignment)));
    }

    fn set(&mut self, register: u64, rule: Rule) {
        match register {
            FRAME_POINTER => self.rules.frame_pointer = rule,
            RETURN_ADDRESS => self.rules.return_address = rule,
            _ => {}
        }
    }

    fn restore(&mut self, register: u64) {
        match register {
            FRAME_POINTER => self.rules.frame_pointer = self.initial.frame_pointer,
            RETURN_ADDRESS => self.rules.return_address = self.initial.return_address,
            _ => {}
        }
    }

    fn remember(&mut self) -> Result<(), Reason> {
        *self.remembered.get_mut(self.depth).ok_or(Reason::Form)? = self.rules;
        self.depth += 1;
        Ok(())
    }

    fn recall(&mut self) -> Result<(), Reason> {
        self.depth = self.depth.checked_sub(1).ok_or(Reason::Corrupt)?;
        self.rules = self.remembered[self.depth];
        Ok(())
    }
}

/// Returns a reader of a block of bytes that follow their number.
fn block(program: &mut Reader) -> Result<Reader, Reason> {
    let length = program.unsigned()?;
    program.take(length as usize)
}
