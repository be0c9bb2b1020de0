//! Fork: what the locks guard is whole in the child, because all of them are held ([`xalloc_blocks::fork_locks`]).
//!
//! What no lock guards are the other threads' heaps. Each is whole unless its thread, or a helper, was between two stores of a
//! slow path, which is marked; those heaps are given up in the child. A hit path leaves a whole list after every store, but the
//! count of it may be one off: whoever adopts the heap counts anew.

use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use crate::local;
use xalloc_blocks::registry::Registered;
use xalloc_os::Lock;

impl FastHeap {
    /// Returns every lock of the heap, in the order in which they nest. The first one keeps helpers out of the calling thread's
    /// heap, which is the same in all calls of one fork: no thread adopts or abandons one meanwhile, because the registry is
    /// locked.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        let helpers = ThreadHeap::own().map(|heap| heap.access().helpers());
        helpers.into_iter().chain([self.registry.lock()]).chain(self.back_end.locks())
    }

    /// Takes the locks, before the fork.
    pub(super) fn lock_for_fork(&self) {
        local::prefork();
        self.fork_locks.acquire(self.locks());
    }

    /// Releases the locks, in the parent.
    pub(super) fn unlock_after_fork(&self) {
        self.fork_locks.release_in_parent(self.locks());
        local::postfork(false);
    }

    /// Releases the locks, in the child.
    pub(super) fn unlock_in_child(&self) {
        self.fork_locks.release_in_child(self.locks());
        local::postfork(true);
    }

    /// Abandons, in the child, the heaps of the threads that are gone.
    pub(super) fn settle_after_fork(&self) {
        self.registry.settle_after_fork(ThreadHeap::own());
    }
}
