//! The walk from frame to frame.

use super::cfi::{self, Module, Row};
use super::machine::CALL;
use super::stack::Stack;
use super::step::Registers;
use super::{cache, finder, signal};
use crate::unwind::frames::Frames;
use crate::unwind::reason::{self, Reason};
use core::ffi::c_void;

/// Fills the request from the caller's registers on. Returns how many frames there are.
///
/// # Safety
/// `request` is the address of [`Frames`] that nobody else uses; the registers are those of a caller of this function.
pub unsafe extern "C" fn walk(request: *mut c_void, pc: usize, sp: usize, fp: usize) -> usize {
    // SAFETY: the caller's.
    let frames = unsafe { &mut *request.cast::<Frames<'_>>() };
    let registers = Registers { pc, sp, fp: Some(fp), link: None };
    let mut walk = Walk { registers, stack: Stack::current(sp), is_interrupted: false, signals: 0 };
    while frames.push(walk.registers.pc) {
        match walk.step() {
            Ok(true) => {}
            Ok(false) => break,
            Err(reason) => {
                reason::count(reason);
                break;
            }
        }
    }
    frames.len()
}

struct Walk {
    registers: Registers,
    stack: Stack,
    /// The frame's code was interrupted: it may be at its first instruction. Other frames are behind a call.
    is_interrupted: bool,
    /// How many signal handlers there were. Each may lead downward, to another stack.
    signals: usize,
}

/// As many signal handlers as a stack may have: where it is corrupt, they could lead around for ever.
const SIGNALS: usize = 32;

impl Walk {
    /// Goes to the caller. Returns false if there is none.
    #[inline(always)]
    fn step(&mut self) -> Result<bool, Reason> {
        let at = if self.is_interrupted { self.registers.pc } else { self.registers.pc.wrapping_sub(CALL) };
        match cache::row(at, || read(at)) {
            Row::Frame(frame) => {
                self.registers = self.registers.caller(&frame, |address| self.stack.word(address))?;
                self.is_interrupted = false;
            }
            Row::Signal => {
                self.signals += 1;
                if self.signals > SIGNALS {
                    return Err(Reason::Stack);
                }
                (self.registers, self.stack) = signal::interrupted(self.registers.sp, &mut self.stack)?;
                self.is_interrupted = true;
            }
            Row::Outermost => return Ok(false),
            Row::Unknown(reason) => return Err(reason),
        }
        // The end of a chain that nobody has described.
        Ok(self.registers.pc != 0)
    }
}

/// Returns the row for the instruction at `at` from its module's tables.
#[cold]
fn read(at: usize) -> Row {
    reason::count_row();
    let Some(module) = finder::module(at) else { return Row::Unknown(Reason::NoModule) };
    match cfi::row(&module, at) {
        Row::Unknown(Reason::NoEntry) => row_at_beginning(&module, at.wrapping_add(CALL)),
        row => row,
    }
}

/// Returns the row for a return address `start` that is behind no call. Somebody has put it there: the kernel, for a signal
/// handler; or `makecontext`, whose outermost function has no call frame information of its being that.
fn row_at_beginning(module: &Module, start: usize) -> Row {
    if signal::is_trampoline(module, start) {
        return Row::Signal;
    }
    match cfi::row(module, start) {
        Row::Unknown(reason) => Row::Unknown(reason),
        _ => Row::Outermost,
    }
}
