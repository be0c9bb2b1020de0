//! Who may touch a thread heap: its thread, nobody (its thread ended: it waits for another one), or a helper for a moment.
//!
//! A heap outlives its thread: the next thread adopts it, with all its slabs and whatever its blocks' holders still send
//! home. Until then a thread that sends something home also drains the heap, so that memory does not pile up in it.

use crate::sync::{AtomicU32, Ordering, fence};

/// A living thread's.
const LIVE: u32 = 0;
/// Nobody's.
const ORPHAN: u32 = 1;
/// Being drained by a thread that will leave it an orphan again.
const HELPED: u32 = 2;
/// Nobody's for ever: its thread vanished in a fork in the middle of a change.
const LOST: u32 = 3;

/// The state of one thread heap's tenancy.
pub struct Tenancy(AtomicU32);

impl Tenancy {
    /// A living thread's heap, around `state`, which is 0.
    pub const fn new(state: AtomicU32) -> Self {
        Self(state)
    }

    /// Makes an orphan the caller's, to keep. False if it is none (any more).
    pub fn adopt(&self) -> bool {
        self.leave_orphanage(LIVE)
    }

    /// Calls `drain` for as long as something is `pending` and the heap is an orphan that nobody else helps. To be called
    /// after a push to the heap, and after [`Tenancy::orphan`].
    ///
    /// Of a sender that pushes and then looks at the state, and a tenant that leaves and then looks at the stack, at
    /// least one must see the other's store, or what was sent would lie in an orphan unseen.
    pub fn help_while(&self, pending: impl Fn() -> bool, mut drain: impl FnMut()) {
        // Sequentially consistent: only that orders the caller's store before the loads of other words below.
        fence(Ordering::SeqCst);
        while pending() && self.help() {
            drain();
            self.orphan();
            // As above, for what was sent while this thread helped and its sender was turned away.
            fence(Ordering::SeqCst);
        }
    }

    fn help(&self) -> bool {
        // Relaxed: a look before the exchange, so that frees into a living thread's heap never write to its state.
        self.0.load(Ordering::Relaxed) == ORPHAN && self.leave_orphanage(HELPED)
    }

    fn leave_orphanage(&self, state: u32) -> bool {
        // Acquire: all that the last tenant did to the heap is seen. Relaxed on failure: nothing was entered.
        self.0.compare_exchange(ORPHAN, state, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Whether the heap is an orphan already, as far as its tenant may ask: in a child that was forked while this thread had
    /// borrowed it.
    pub fn is_orphan(&self) -> bool {
        // Relaxed: only the tenant's own fork made it one.
        self.0.load(Ordering::Relaxed) == ORPHAN
    }

    /// Leaves the heap to whoever adopts it. Then comes [`Tenancy::help_while`].
    pub fn orphan(&self) {
        // Release: what this tenant did to the heap is seen by the next one.
        self.0.store(ORPHAN, Ordering::Release);
    }

    /// Settles the state in a forked child for a heap that is not the forking thread's. Whether the heap can be adopted
    /// and was not an orphan before, so that it must be put where orphans are found.
    pub fn settle_after_fork(&self, consistent: bool) -> bool {
        // Relaxed, twice: the child has one thread.
        match self.0.load(Ordering::Relaxed) {
            LIVE if consistent => {
                self.0.store(ORPHAN, Ordering::Relaxed);
                true
            }
            LIVE | HELPED => {
                self.0.store(LOST, Ordering::Relaxed);
                false
            }
            _ => false,
        }
    }
}
