//! The start-up, which runs once. A process's first allocation may come from anywhere: from the loader, from a constructor,
//! from two threads at a time, or from the start-up itself.
//!
//! It is not a `Once`: a thread that comes back while it starts up must be recognised, and not wait for itself.

use crate::sync::{AtomicUsize, Ordering, yield_now};

const NEW: usize = 0;
/// Not the token of any thread, because those are addresses of aligned words.
const READY: usize = 1;

/// The state of the start-up: not begun, run by the thread with this token, or done.
pub struct Startup(AtomicUsize);

/// What the caller of [`Startup::begin`] must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Start up, then call [`Startup::finish`].
    Run,
    /// Nothing: start-up is done.
    Ready,
    /// Go on without it: the caller is inside its own start-up.
    Reentered,
}

impl Startup {
    /// Returns a start-up that has not begun. `state` must be 0; it is a parameter because a model checker's atomics cannot be
    /// made in a constant.
    pub const fn around(state: AtomicUsize) -> Self {
        Self(state)
    }

    /// Returns whether start-up is done. If so, the caller sees what it wrote.
    #[inline]
    pub fn is_ready(&self) -> bool {
        // Acquire: pairs with `finish`.
        self.0.load(Ordering::Acquire) == READY
    }

    /// Waits until start-up is done, or lets the caller do it. `token` is the calling thread's.
    pub fn begin(&self, token: usize) -> Begin {
        loop {
            // Acquire on failure: READY must bring what start-up wrote. On success nothing was written before.
            match self.0.compare_exchange(NEW, token, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => return Begin::Run,
                Err(READY) => return Begin::Ready,
                Err(running) if running == token => return Begin::Reentered,
                // This lasts a few microseconds, once in a process.
                Err(_) => yield_now(),
            }
        }
    }

    /// In a forked child, lets the next caller start up if the thread that was starting up does not exist there. `token` is
    /// that of the child's only thread.
    pub fn settle_after_fork(&self, token: usize) {
        // Relaxed, both: there is no other thread, and no other memory to be seen.
        let state = self.0.load(Ordering::Relaxed);
        if state != READY && state != token {
            self.0.store(NEW, Ordering::Relaxed);
        }
    }

    /// Says that start-up is done.
    pub fn finish(&self) {
        // Release: a thread that sees READY sees what start-up wrote.
        self.0.store(READY, Ordering::Release);
    }
}
