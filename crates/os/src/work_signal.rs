//! A signal that wakes a thread when there is work for it. One word says whether there is work, whether a thread waits for it,
//! and whether that thread is to end.
//!
//! It is one word, because the kernel compares one word when it puts a thread to sleep: so a change between the thread's check
//! and its sleep is not missed. Every change is a read-modify-write, so that no change undoes another one.

use crate::futex;
use crate::sync::{AtomicUsize, Ordering};

/// There is work.
const WORK: usize = 1;
/// A thread waits for it, or will.
const AWAITED: usize = 2;
/// That thread is to end.
const END: usize = 4;

/// The signal for the one thread that waits for work.
pub struct WorkSignal(AtomicUsize);

// Relaxed, in all of them: the word protects nothing but itself. The work itself is protected by locks of its own.
impl WorkSignal {
    /// Returns a signal without work and without a thread that waits. `word` must be 0.
    pub const fn around(word: AtomicUsize) -> Self {
        Self(word)
    }

    /// Returns whether there is work.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WORK != 0
    }

    /// Says that there is work, and wakes the thread that waits. Returns whether there was no work before.
    pub fn set(&self) -> bool {
        let before = self.0.fetch_or(WORK, Ordering::Relaxed);
        if before & (WORK | AWAITED) == AWAITED {
            futex::wake_one(&self.0);
        }
        before & WORK == 0
    }

    /// Says that there is no work any more.
    pub fn clear(&self) {
        self.0.fetch_and(!WORK, Ordering::Relaxed);
    }

    /// Makes the waiting thread end: its [`WorkSignal::wait`] returns false, even if it is called later.
    pub fn end(&self) {
        self.0.fetch_or(END, Ordering::Relaxed);
        futex::wake_one(&self.0);
    }

    /// Waits until there is work; or, if there is some already, for `milliseconds`. May return early, so the caller must check
    /// again. Returns false if the calling thread, the only one that may wait, is to end.
    pub fn wait(&self, milliseconds: u64) -> bool {
        let word = self.0.fetch_or(AWAITED, Ordering::Relaxed) | AWAITED;
        if word & END != 0 {
            self.0.fetch_and(!(AWAITED | END), Ordering::Relaxed);
            return false;
        }
        if word & WORK == 0 {
            futex::wait(&self.0, word);
        } else {
            futex::wait_at_most(&self.0, word, milliseconds);
        }
        true
    }

    /// Forgets the thread that waited. For a forked child, where it does not exist.
    pub fn settle_after_fork(&self) {
        self.0.fetch_and(WORK, Ordering::Relaxed);
    }
}
