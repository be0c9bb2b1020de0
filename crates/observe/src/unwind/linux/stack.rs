//! Which memory is the stack, so that nothing else is read.
//!
//! A walk reads upward from the stack pointer. How far it may go depends on whose stack it is: the main thread's, which ends at
//! the last string that the kernel put there; a thread's of libc, which has the thread's own record, to which the thread
//! pointer leads, at its end; or another one, of a coroutine or of a signal handler. Of another one the kernel is asked page by
//! page, as the walk comes to it.

use super::known;
use super::machine::RED_ZONE;
use xalloc_os::pages;

/// Kernels map nothing else so near below the end of the main thread's stack (`MIN_GAP` in Linux).
const MAIN_GAP: usize = 128 << 20;

/// The smallest pages that Linux has. Larger ones are asked for several times.
const PAGE: usize = 4096;

/// As large as a frame may be on a stack whose end is not known.
const FAR: usize = 1 << 20;

/// A part of memory that is a stack, from the stack pointer on.
pub struct Stack {
    low: usize,
    end: usize,
    /// Whether there may be more of it behind the end.
    may_grow: bool,
}

impl Stack {
    /// Returns the stack of the calling thread, whose stack pointer is `sp`.
    #[inline]
    pub fn current(sp: usize) -> Self {
        match end(sp) {
            Some(end) => Self { low: sp, end, may_grow: false },
            // Something was pushed there: the page is a stack's.
            None => Self { low: sp, end: next_page(sp), may_grow: true },
        }
    }

    /// Returns the stack at `sp`, of which the thread itself has not said that it is one. `None` if it cannot be read.
    pub fn interrupted(sp: usize) -> Option<Self> {
        let is_readable = sp.is_multiple_of(8) && pages::is_readable(sp);
        is_readable.then(|| Self::current(sp))
    }

    /// Returns the word at `address`; `None` if that is not on the stack.
    #[inline(always)]
    pub fn word(&mut self, address: usize) -> Option<usize> {
        let is_inside = address >= self.low && address < self.end || self.is_near(address);
        // SAFETY: an aligned word of memory that is the stack of the calling thread, and that nobody unmaps while it has frames
        // on it. The ends of it are multiples of a word, or the word at the end is readable too.
        (is_inside && address.is_multiple_of(8)).then(|| unsafe { (address as *const usize).read_volatile() })
    }

    /// Returns whether the word at `address` belongs to the stack although it is outside of what is known of it.
    #[cold]
    fn is_near(&mut self, address: usize) -> bool {
        if address < self.low {
            // What an interrupted function has popped, it may still need.
            return address >= self.low.saturating_sub(RED_ZONE)
                && (address / PAGE == self.low / PAGE || pages::is_readable(address & !7));
        }
        // A frame that is larger than this on such a stack is none.
        let is_far = address.wrapping_sub(self.end) >= FAR;
        while self.may_grow && !is_far && address >= self.end {
            self.may_grow = pages::is_readable(self.end);
            if self.may_grow {
                self.end += PAGE;
            }
        }
        address < self.end
    }
}

/// Returns the end of the stack that has `sp` in it; `None` if it is not known.
#[inline(always)]
fn end(sp: usize) -> Option<usize> {
    let main = known::main_end();
    if main.wrapping_sub(sp) < MAIN_GAP {
        return Some(main);
    }
    let thread = xalloc_os::thread::token();
    known::reaches(thread, sp).then_some(thread)
}

fn next_page(address: usize) -> usize {
    (address & !(PAGE - 1)).wrapping_add(PAGE)
}
