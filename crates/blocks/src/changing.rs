//! A mark on what its thread is changing at the moment, for a fork in another thread: it stops this one at any instruction, and
//! the child must know what is whole.

use crate::sync::{AtomicU32, Ordering, fence};

/// The mark: 0 while everything is whole. Only the owner writes it.
pub struct Changing(AtomicU32);

impl Changing {
    /// Returns a mark around `word`, which is 0.
    pub const fn around(word: AtomicU32) -> Self {
        Self(word)
    }

    /// Marks what belongs to it as changing until the guard is dropped. May be nested.
    pub fn begin(&self) -> Change<'_> {
        // Relaxed, twice: only the owner writes; what orders is the fence.
        let outer = self.0.load(Ordering::Relaxed);
        self.0.store(1, Ordering::Relaxed);
        // Release: no store of the change is visible to a fork before the mark.
        fence(Ordering::Release);
        Change(self, outer)
    }

    /// Returns whether nothing was being changed a moment ago. In a forked child, where the owner is gone, the answer stays.
    pub fn is_whole(&self) -> bool {
        // Relaxed: the child has one thread; other askers want a hint.
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Marks something as [`Changing`].
pub struct Change<'a>(&'a Changing, u32);

impl Drop for Change<'_> {
    fn drop(&mut self) {
        // Release: every store of the change is visible to a fork before the mark is gone.
        fence(Ordering::Release);
        // Relaxed: the fence orders.
        self.0.0.store(self.1, Ordering::Relaxed);
    }
}
