//! The one lock of the library: a word that is spun on briefly and then slept on.
//!
//! Not a libc mutex, because libc's may be replaced by another preloaded library and cannot be made anew in a forked
//! child. Not only a spin lock, because a lock holder may be preempted while its waiters burn the processor.
//! The word names its holder, so that a thread never waits for itself: a `fork` from a signal handler that interrupted the
//! holder passes over the lock; a `malloc` or `free` from there, which is not allowed, ends the process instead of hanging.

use crate::futex;
use crate::sync::{AtomicUsize, Ordering};

const FREE: usize = 0;
/// In the word beside the holder's token, which is even: somebody may sleep, so the holder must wake one.
const CONTENDED: usize = 1;

/// A mutual exclusion lock that allocates nothing and is free when its memory is zero.
pub struct Lock {
    /// The [`crate::thread::token`] of the holder, and [`CONTENDED`].
    holder: AtomicUsize,
}

impl Lock {
    /// A free lock around a word that is 0.
    pub const fn around(holder: AtomicUsize) -> Self {
        Self { holder }
    }

    /// Takes the lock, waiting for it, and returns a guard that gives it back.
    pub fn lock(&self) -> Guard<'_> {
        self.acquire();
        Guard(self)
    }

    /// Takes the lock if nobody holds it.
    pub fn try_lock(&self) -> Option<Guard<'_>> {
        self.try_acquire(0).then(|| Guard(self))
    }

    /// Whether the thread with this token, the calling one, holds the lock.
    pub fn is_mine(&self, token: usize) -> bool {
        // Relaxed: only this thread stores its own token, so it needs no edge to read it back.
        self.holder.load(Ordering::Relaxed) & !CONTENDED == token
    }

    /// Takes the lock without a guard. Every call is answered by one [`Lock::release`].
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
        // Nobody else would give it back. Two threads that run at once have two tokens: with one thread pointer they would share
        // errno and every other thread-local variable.
        if self.is_mine(crate::thread::token()) {
            crate::abort::abort_on_reentry();
        }
        // Relaxed: only a hint whether the exchange is worth the bus.
        if futex::spin(|| self.holder.load(Ordering::Relaxed) == FREE && self.try_acquire(0)) {
            return;
        }
        // Whoever comes this way leaves CONTENDED behind, because it cannot know whether others sleep too: one wake too many
        // at the end, never one too few.
        while !self.try_acquire(CONTENDED) {
            // Relaxed, all: nothing is entered here; what the holder writes is met by the exchange that takes the lock.
            let holder = self.holder.load(Ordering::Relaxed);
            let marked = holder | CONTENDED;
            let mark = || self.holder.compare_exchange(holder, marked, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if holder != FREE && (holder == marked || mark()) {
                futex::wait(&self.holder, marked);
            }
        }
    }

    /// Gives the lock back. Only its holder may call this.
    pub fn release(&self) {
        // Release: what was written under the lock is seen by the next holder's Acquire.
        if self.holder.swap(FREE, Ordering::Release) & CONTENDED != 0 {
            futex::wake_one(&self.holder);
        }
    }
}

/// Holds a [`Lock`] until dropped.
pub struct Guard<'a>(&'a Lock);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}
