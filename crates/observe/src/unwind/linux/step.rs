//! From a frame to the caller's, by a row.

use super::cfi::{Cfa, Frame, Place};
use crate::unwind::reason::Reason;
use crate::unwind::registers::strip;

/// The registers by which frames are found, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// The program counter.
    pub pc: usize,
    /// The stack pointer.
    pub sp: usize,
    /// The frame pointer.
    pub fp: Option<usize>,
    /// The register that a call writes its return address to, where there is one.
    pub link: Option<usize>,
}

impl Registers {
    /// Returns the caller's registers. `word` returns the word of the stack at an address, or `None` if there is none.
    #[inline(always)]
    pub fn caller(&self, frame: &Frame, mut word: impl FnMut(usize) -> Option<usize>) -> Result<Self, Reason> {
        let at = |base: usize, offset: i32| base.wrapping_add_signed(offset as isize);
        let by_fp = |offset: i32| Ok(at(self.fp.ok_or(Reason::Lost)?, offset));
        let cfa = match frame.cfa {
            Cfa::StackPointer(offset) => at(self.sp, offset),
            Cfa::FramePointer(offset) => by_fp(offset)?,
            Cfa::AtFramePointer(offset) => word(by_fp(offset)?).ok_or(Reason::Stack)?,
        };
        // Each frame is above the one before, so that a walk ends. Only a function that has not touched the stack has none; its
        // return address is in the register, which is known for the innermost one.
        let has_frame = frame.return_address != Place::Same;
        if cfa < self.sp || cfa == self.sp && has_frame {
            return Err(Reason::Stack);
        }
        let mut value = |place: Place, register: Option<usize>| match place {
            Place::Same => Ok(register),
            Place::AtCfa(offset) => word(at(cfa, offset)).map(Some).ok_or(Reason::Stack),
            Place::AtFramePointer(offset) => word(by_fp(offset)?).map(Some).ok_or(Reason::Stack),
            Place::Lost => Ok(None),
        };
        let pc = strip(value(frame.return_address, self.link)?.ok_or(Reason::Lost)?);
        Ok(Self { pc, sp: cfa, fp: value(frame.frame_pointer, self.fp)?, link: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTERS: Registers = Registers { pc: 1, sp: 0x1000, fp: None, link: Some(2) };

    fn caller(cfa: Cfa, return_address: Place) -> Result<Registers, Reason> {
        REGISTERS.caller(&Frame { cfa, frame_pointer: Place::Same, return_address }, Some)
    }

    #[test]
    fn frames_lead_upward() {
        let above = caller(Cfa::StackPointer(16), Place::AtCfa(-8));
        assert_eq!(above, Ok(Registers { pc: 0x1008, sp: 0x1010, fp: None, link: None }));
        for offset in [0, -16, -0x1000] {
            assert_eq!(caller(Cfa::StackPointer(offset), Place::AtCfa(-8)), Err(Reason::Stack));
        }
    }

    #[test]
    fn only_the_innermost_function_has_its_return_address_in_a_register() {
        let first = caller(Cfa::StackPointer(0), Place::Same).expect("a caller");
        assert_eq!(first, Registers { pc: 2, sp: 0x1000, fp: None, link: None });
        let frame = Frame { cfa: Cfa::StackPointer(0), frame_pointer: Place::Same, return_address: Place::Same };
        assert_eq!(first.caller(&frame, Some), Err(Reason::Lost));
    }

    #[test]
    fn a_frame_pointer_that_is_lost_leads_nowhere() {
        assert_eq!(caller(Cfa::FramePointer(16), Place::AtCfa(-8)), Err(Reason::Lost));
        assert_eq!(caller(Cfa::StackPointer(16), Place::Lost), Err(Reason::Lost));
    }
}
