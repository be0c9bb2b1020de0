//! Fork: all locks are held while the process is copied, so that what they guard is whole in the child.
//!
//! What no lock guards are the other threads' heaps. Each is whole unless its thread was between two stores of a slow
//! path, which it marks; those heaps are given up in the child. A hit path leaves a whole list after every store, but the
//! count of it may be one off: whoever adopts the heap counts anew.

use super::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_os::Lock;
use xalloc_os::thread::{self, Phase};

impl FastHeap {
    /// Every lock of the heap, in the order in which they nest.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        let first = core::iter::once(self.registry.lock());
        let last = [self.huge.lock(), self.arena.lock(), self.metadata.lock()];
        first.chain(self.runs.locks()).chain(last)
    }

    /// Takes all locks, but for those that this thread holds already: it then forks in a signal handler that interrupted
    /// a slow path, and waiting would be for itself. If it holds all of them, the handler has interrupted a fork.
    pub(super) fn lock_for_fork(&self) {
        let me = thread::token();
        let mut taken = 0;
        for (index, lock) in self.locks().enumerate() {
            if !lock.is_mine(me) {
                lock.acquire();
                taken |= 1 << index;
            }
        }
        match taken {
            0 => self.forks_inside.set(self.forks_inside.get() + 1),
            _ => self.fork_locks.set(taken),
        }
    }

    /// Gives back what [`FastHeap::lock_for_fork`] took, in the parent.
    pub(super) fn unlock_after_fork(&self) {
        match self.forks_inside.get() {
            0 => self.release_fork_locks(),
            inside => self.forks_inside.set(inside - 1),
        }
    }

    /// The same in the child, whose only thread is the one that took them: also those of a fork that was interrupted, which finds
    /// nothing to give back when it goes on. What a slow path had taken, it gives back itself when the handler has returned.
    pub(super) fn unlock_in_child(&self) {
        self.forks_inside.set(0);
        self.release_fork_locks();
    }

    fn release_fork_locks(&self) {
        let taken = self.fork_locks.get();
        self.fork_locks.set(0);
        for (index, lock) in self.locks().enumerate() {
            if taken >> index & 1 != 0 {
                lock.release();
            }
        }
    }

    /// In the child: leaves the heaps of the threads that are gone to whoever comes. If the handler that forks has interrupted
    /// this thread in the registry, its lists are half written; then what is in those heaps is lost.
    pub(super) fn settle_after_fork(&self) {
        if self.registry.lock().is_mine(thread::token()) {
            return;
        }
        let mine = match Phase::current() {
            // SAFETY: a cache in the TLS word is this thread's heap.
            Phase::Cached(heap) => Some(unsafe { &*heap.cast::<ThreadHeap>() }),
            _ => None,
        };
        self.registry.settle_after_fork(mine);
    }
}
