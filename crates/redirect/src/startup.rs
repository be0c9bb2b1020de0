//! Once, for a process whose first allocation may come from anywhere: the loader, a constructor, two threads at a time,
//! or the start-up itself.
//!
//! Not `Once`: a second entry by the same thread must be recognised, not waited for.

use crate::sync::{AtomicUsize, Ordering, yield_now};

const NEW: usize = 0;
/// No thread's token, because those are addresses of aligned words.
const READY: usize = 1;

/// Not begun, run by the thread with this token, or done.
pub struct Startup(AtomicUsize);

/// What the caller of [`Startup::begin`] must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Start up, then call [`Startup::finish`].
    Run,
    /// Nothing: it is done.
    Ready,
    /// Do without: the caller is inside its own start-up.
    Reentered,
}

impl Startup {
    /// Not begun, around `state`, which is 0: a model checker's atomics cannot be made in a constant.
    pub const fn around(state: AtomicUsize) -> Self {
        Self(state)
    }

    /// Whether start-up is done; what it wrote is visible then.
    #[inline]
    pub fn is_ready(&self) -> bool {
        // Acquire: pairs with `finish`.
        self.0.load(Ordering::Acquire) == READY
    }

    /// Waits until start-up is done, or lets the caller do it. `token` is the calling thread's own.
    pub fn begin(&self, token: usize) -> Begin {
        loop {
            // Acquire on failure: READY must bring what start-up wrote. On success nothing was written before.
            match self.0.compare_exchange(NEW, token, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Begin::Run,
                Err(READY) => return Begin::Ready,
                Err(running) if running == token => return Begin::Reentered,
                // A few microseconds, once in a process.
                Err(_) => yield_now(),
            }
        }
    }

    /// In a forked child: lets the next caller start up if the thread that did so is gone. `token` is the only thread's.
    pub fn settle_after_fork(&self, token: usize) {
        // Relaxed, both: there is no other thread, and nothing but this word to be seen.
        let state = self.0.load(Ordering::Relaxed);
        if state != READY && state != token {
            self.0.store(NEW, Ordering::Relaxed);
        }
    }

    /// Says that start-up is done.
    pub fn finish(&self) {
        // Release: what start-up wrote is seen by whoever sees READY.
        self.0.store(READY, Ordering::Release);
    }
}
