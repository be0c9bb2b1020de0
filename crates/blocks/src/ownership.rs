//! Whether a thread heap has an owner, and what becomes of the blocks that wait in it if not.
//!
//! A heap outlives its thread, which abandons it; the next thread adopts it, with all its slabs. Until then whoever sends
//! something to it also drains it, so that memory does not pile up where nobody comes.

use crate::access::Access;
use crate::remote::RemoteStack;
use crate::sync::{AtomicU32, Ordering};

const OWNED: u32 = 0;
const ABANDONED: u32 = 1;

/// The state of one thread heap. Written under the lock of the list of abandoned heaps.
pub struct Ownership(AtomicU32);

impl Ownership {
    /// Returns the state of a heap that has an owner, around `state`, which is 0.
    pub const fn around(state: AtomicU32) -> Self {
        Self(state)
    }

    /// Returns whether nobody owned the heap a moment ago. For a helper at work, and under the list's lock, that does not
    /// change.
    pub fn is_abandoned(&self) -> bool {
        // Relaxed: a sender's look comes after its push, and `help`'s after its change; see
        // `RemoteStack::is_empty_after_change`. For a helper at work it does not change: the owner's last access came before,
        // and an adopter keeps helpers away.
        self.0.load(Ordering::Relaxed) == ABANDONED
    }

    /// Leaves the heap to whoever adopts it. The owner has no access any more; then it looks whether something was sent
    /// meanwhile, and helps.
    pub fn abandon(&self) {
        // Relaxed: as above; an adopter comes by the list's lock.
        self.0.store(ABANDONED, Ordering::Relaxed);
    }

    /// Makes an abandoned heap the caller's, which keeps helpers away meanwhile.
    pub fn adopt(&self) {
        // Relaxed: a helper that comes later sees it by the lock that kept it away.
        self.0.store(OWNED, Ordering::Relaxed);
    }

    /// Calls `drain` once, with access to the heap, unless its owner or another helper has it; again for as long as the heap is
    /// abandoned and something waits in it.
    pub fn help<T>(&self, access: &Access, remote: &RemoteStack<T>, mut drain: impl FnMut()) {
        while let Some(helping) = access.try_help() {
            if let Some(_change) = helping.begin() {
                drain();
            }
            drop(helping);
            // In this order, also when the owner had access: it may have abandoned the heap since, and a sender may have been
            // turned away by this thread.
            if remote.is_empty_after_change() || !self.is_abandoned() {
                return;
            }
        }
    }
}
