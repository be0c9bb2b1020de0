//! The one lock of the library: a word that is spun on briefly and then slept on.
//!
//! Not a libc mutex, because libc's may be replaced by another preloaded library and cannot be made anew in a forked
//! child. Not only a spin lock, because a lock holder may be preempted while its waiters burn the processor.
//! The lock knows its owner, so that a `fork` from a signal handler that interrupted the owner does not wait for itself.

use crate::futex;
use crate::sync::{AtomicU32, AtomicUsize, Ordering};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Held, and somebody may sleep: the holder must wake one.
const CONTENDED: u32 = 2;

/// A mutual exclusion lock that allocates nothing and is free when its memory is zero.
pub struct Lock {
    state: AtomicU32,
    /// The [`crate::thread::token`] of the holder, 0 when free. Only its own thread ever compares equal.
    owner: AtomicUsize,
}

impl Lock {
    /// A free lock around two words that are 0.
    pub const fn around(state: AtomicU32, owner: AtomicUsize) -> Self {
        Self { state, owner }
    }

    /// Takes the lock, waiting for it, and returns a guard that gives it back.
    pub fn lock(&self) -> Guard<'_> {
        self.acquire();
        Guard(self)
    }

    /// Takes the lock if nobody holds it.
    pub fn try_lock(&self) -> Option<Guard<'_>> {
        self.try_acquire().then(|| Guard(self))
    }

    /// Whether the calling thread holds the lock.
    pub fn is_mine(&self, token: usize) -> bool {
        // Relaxed: only this thread stores its own token, so it needs no edge to read it back.
        self.owner.load(Ordering::Relaxed) == token
    }

    /// Takes the lock without a guard. Every call is answered by one [`Lock::release`].
    pub fn acquire(&self) {
        if !self.try_acquire() {
            self.acquire_contended();
        }
    }

    fn try_acquire(&self) -> bool {
        // Acquire: what the last holder wrote before its Release is seen. Relaxed on failure: nothing was entered.
        let taken = self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if taken {
            self.set_owner();
        }
        taken
    }

    fn set_owner(&self) {
        // Relaxed: the owner word is only compared by the thread that stored it.
        self.owner.store(crate::thread::token(), Ordering::Relaxed);
    }

    #[cold]
    fn acquire_contended(&self) {
        // Relaxed: only a hint whether the exchange is worth the bus.
        if futex::spin(|| self.state.load(Ordering::Relaxed) == FREE && self.try_acquire()) {
            return;
        }
        // Acquire as in `try_acquire`. Whoever comes this way leaves CONTENDED behind, because it cannot know whether
        // others sleep too: one wake too many at the end, never one too few.
        while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            futex::wait(&self.state, CONTENDED);
        }
        self.set_owner();
    }

    /// Gives the lock back. Only its holder may call this.
    pub fn release(&self) {
        // Relaxed: see `is_mine`. Before the Release, so that the next holder's store comes later.
        self.owner.store(0, Ordering::Relaxed);
        // Release: what was written under the lock is seen by the next holder's Acquire.
        if self.state.swap(FREE, Ordering::Release) == CONTENDED {
            futex::wake_one(&self.state);
        }
    }

    /// Makes the lock free whoever held it: for the only thread of a forked child.
    ///
    /// # Safety
    /// No other thread exists in this process, and what the lock guards is consistent.
    pub unsafe fn reset(&self) {
        // Relaxed: there is nobody to order with.
        self.owner.store(0, Ordering::Relaxed);
        self.state.store(FREE, Ordering::Relaxed);
    }
}

/// Holds a [`Lock`] until dropped.
pub struct Guard<'a>(&'a Lock);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
