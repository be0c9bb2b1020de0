//! Data that one writes and many read, without a lock for the readers: a reader notices that it was written meanwhile.

use crate::sync::{AtomicUsize, Ordering, fence};

/// Counts the writes to some words that all are read and written as relaxed atomics: twice each, so that it is odd during one.
pub struct Sequence(AtomicUsize);

impl Sequence {
    /// Returns one that counts in this word.
    pub const fn around(word: AtomicUsize) -> Self {
        Self(word)
    }

    /// Calls `write`. Only one thread does it at a time.
    pub fn write(&self, write: impl FnOnce()) {
        // Relaxed: nobody else writes it. It is odd already if the process was forked during a write.
        let during = self.0.load(Ordering::Relaxed) | 1;
        self.0.store(during, Ordering::Relaxed);
        // Release: who reads a word of this write finds the odd number or a later one.
        fence(Ordering::Release);
        write();
        // Release: who reads this number finds all of the write.
        self.0.store(during.wrapping_add(1), Ordering::Release);
    }

    /// Returns what `read` returns; `None` if there was a write meanwhile. It does not wait for it: the writer may be the very
    /// thread that a signal has interrupted.
    pub fn read<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        // Acquire: what is read afterwards is at least as new as this number.
        let before = self.0.load(Ordering::Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let result = read();
        // Acquire: if a word of a later write was read, the number is read after that.
        fence(Ordering::Acquire);
        (self.0.load(Ordering::Relaxed) == before).then_some(result)
    }
}
