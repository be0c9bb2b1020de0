//! A thread that sleeps until there is work for it: one word says whether there is, whether somebody waits for it, and whether that thread
//! is to end.
//!
//! One word, because the kernel compares one when it puts a thread to sleep: what comes between the look and the sleep is not missed. Every
//! change is a read-modify-write, so that no change undoes another one.

use crate::futex;
use crate::sync::{AtomicUsize, Ordering};

/// There is work.
const WORK: usize = 1;
/// A thread waits for it, or will.
const AWAITED: usize = 2;
/// That thread is to end.
const END: usize = 4;

/// Whether there is work for the one thread that waits for it.
pub struct WorkSignal(AtomicUsize);

// Relaxed, in all of them: the word brings nothing but itself. What the work is about has locks of its own.
impl WorkSignal {
    /// No work, and no thread that waits for it, around a word that is 0.
    pub const fn around(word: AtomicUsize) -> Self {
        Self(word)
    }

    /// Whether there is work.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) & WORK != 0
    }

    /// Says that there is work. Returns whether there was none before; then the thread that waits is woken, if there is one.
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

    /// Has the thread that waits end: its [`WorkSignal::wait`] returns false, also if it is called later only.
    pub fn end(&self) {
        self.0.fetch_or(END, Ordering::Relaxed);
        futex::wake_one(&self.0);
    }

    /// Waits: as long as there is no work, or, if there is some, for so many milliseconds. May return early, so the caller looks again. False
    /// if the calling thread, the only one that waits, is to end.
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

    /// In a forked child: the thread that waited is not there.
    pub fn settle_after_fork(&self) {
        self.0.fetch_and(WORK, Ordering::Relaxed);
    }
}
