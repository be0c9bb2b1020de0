//! The one lock of the library: a word that is spun on briefly and then slept on.
//!
//! It is not a libc mutex, because another preloaded library may replace libc's, and because a forked child cannot make one
//! anew. It is not only a spin lock, because the holder may be preempted while its waiters use up the processor. The word names
//! the holder, so that a thread never waits for itself. A `fork` from a signal handler that interrupted the holder skips the
//! lock. A `malloc` or `free` from such a handler is not allowed, and ends the process instead of hanging.

use crate::futex;
use crate::sync::{AtomicUsize, Ordering};

const FREE: usize = 0;
/// The bit beside the holder's token, which is even: a thread may be asleep, so the holder must wake one.
const CONTENDED: usize = 1;

/// A mutual exclusion lock that allocates nothing and is free when its memory is zero.
pub struct Lock {
    /// The [`crate::thread::token`] of the holder, and [`CONTENDED`].
    holder: AtomicUsize,
}

impl Lock {
    /// Returns a free lock. `holder` must be 0.
    pub const fn around(holder: AtomicUsize) -> Self {
        Self { holder }
    }

    /// Takes the lock, waiting for it, and returns a guard that releases it.
    pub fn lock(&self) -> Guard<'_> {
        self.acquire();
        Guard(self)
    }

    /// Takes the lock if nobody holds it. Returns `None` without waiting otherwise.
    pub fn try_lock(&self) -> Option<Guard<'_>> {
        self.try_acquire(0).then(|| Guard(self))
    }

    /// Returns whether the calling thread, whose token this is, holds the lock.
    pub fn is_mine(&self, token: usize) -> bool {
        // Relaxed: only this thread stores its own token, so it needs no edge to read it back.
        self.holder.load(Ordering::Relaxed) & !CONTENDED == token
    }

    /// Takes the lock, waiting for it, without a guard. Each call must be followed by one [`Lock::release`].
    pub fn acquire(&self) {
        if !self.try_acquire(0) {
            self.acquire_contended();
        }
    }

    fn try_acquire(&self, contended: usize) -> bool {
        let holder = crate::thread::token() | contended;
        // Acquire: what the last holder wrote before its Release is seen. Relaxed on failure: nothing was entered.
        self.holder.compare_exchange(FREE, holder, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn acquire_contended(&self) {
        // Nobody else would release it. Two threads that run at once have different tokens: with the same thread pointer they
        // would share errno and every other thread-local variable.
        if self.is_mine(crate::thread::token()) {
            crate::abort::abort_on_reentry();
        }
        // Relaxed: only a hint whether the exchange is worth trying.
        if futex::spin(|| self.holder.load(Ordering::Relaxed) == FREE && self.try_acquire(0)) {
            return;
        }
        // A thread that slept takes the lock with CONTENDED set, because it cannot know whether others sleep too. This may wake
        // one thread too many at the end, but never one too few.
        while !self.try_acquire(CONTENDED) {
            // Relaxed, all: nothing is entered here. The exchange that takes the lock sees what the holder wrote.
            let holder = self.holder.load(Ordering::Relaxed);
            let marked = holder | CONTENDED;
            let mark = || self.holder.compare_exchange(holder, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if holder != FREE && (holder == marked || mark()) {
                futex::wait(&self.holder, marked);
            }
        }
    }

    /// Releases the lock.
    ///
    /// # Safety
    /// Nobody that still runs holds the lock but the calling thread, which uses nothing any more that the lock guards.
    pub unsafe fn release(&self) {
        // Release: what was written under the lock is seen by the next holder's Acquire.
        if self.holder.swap(FREE, Ordering::Release) & CONTENDED != 0 {
            futex::wake_one(&self.holder);
        }
    }
}

/// The guard of a [`Lock`]: releases it when dropped.
pub struct Guard<'a>(&'a Lock);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // SAFETY: the lock was taken for this guard, during whose life only it is made use of.
        unsafe { self.0.release() };
    }
}
