//! How a thread comes to a heap, how it leaves it, and fork.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use crate::local;
use core::ptr::from_ref;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::registry::Registered;
use xalloc_os::Lock;
use xalloc_os::thread::Phase;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Calls `f` with the calling thread's heap; for a thread that has none, with one that it borrows for the call.
    /// `None` if there is no memory for one.
    pub(super) fn with_heap<R>(&self, f: impl FnOnce(&'static ThreadLocalHeap<N, T>) -> R) -> Option<R> {
        if let Some(heap) = ThreadLocalHeap::own() {
            return Some(f(heap));
        }
        let heap = self.adopt()?;
        let result = f(heap);
        self.leave(heap);
        Some(result)
    }

    /// Returns a heap for the calling thread. `None` if there is no memory for one.
    pub(super) fn adopt(&self) -> Option<&'static ThreadLocalHeap<N, T>> {
        // SAFETY: zeros are what is kept of a heap beside the rest at first.
        let create = || unsafe { ThreadLocalHeap::create_in(&self.back_end.metadata, self.table()) };
        let heap = self.reclaiming(None, 0, || self.registry.adopt(create))?;
        heap.recount(self.key.get());
        Some(heap)
    }

    /// Makes a heap the calling thread's.
    pub(super) fn enter(&self, heap: &'static ThreadLocalHeap<N, T>) {
        let word = if self.tuning.get().is_behind { heap.pages().word() } else { from_ref(heap).cast_mut().cast() };
        Phase::Cached(word).enter();
    }

    /// Makes `count` heaps for threads to come: 64 at most.
    pub(super) fn make_heaps(&self, count: usize) {
        // The list of abandoned heaps grows only when all are made.
        let mut made = [None; 64];
        made.iter_mut().take(count).for_each(|heap| *heap = self.adopt());
        made.into_iter().flatten().for_each(|heap| self.registry.abandon(heap));
    }

    /// Leaves a heap to the next thread, with nothing in it but slabs of which all blocks are used.
    pub(super) fn leave(&self, heap: &'static ThreadLocalHeap<N, T>) {
        {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap);
            self.retire(heap);
        }
        self.registry.abandon(heap);
        // Senders that came before saw an owner.
        self.help_after_leaving(heap);
    }

    /// Ends the calling thread's use of its heap.
    pub(super) fn end_thread(&self) {
        let Some(heap) = ThreadLocalHeap::<N, T>::own() else { return };
        // First, so that a signal handler that allocates meanwhile finds no bins to take from.
        Phase::Plain.enter();
        self.leave(heap);
        if self.tuning.get().exact {
            self.trim_all(0);
        }
    }

    /// Returns every lock but the central lists', in the order in which they nest. The first one keeps helpers out of the
    /// calling thread's heap.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        let helpers = ThreadLocalHeap::<N, T>::own().map(|heap| heap.access().helpers());
        helpers.into_iter().chain([self.registry.lock()]).chain(self.back_end.locks())
    }

    /// Takes all locks, before the fork.
    pub(super) fn lock_for_fork(&self) {
        local::prefork();
        if self.fork_locks.acquire(self.locks()) {
            // Under these, nothing is locked.
            self.central.lists().for_each(|list| list.lock_for_fork());
        }
    }

    /// Releases them, in the parent or in the child.
    pub(super) fn unlock_after_fork(&self, is_child: bool) {
        let is_outermost = if is_child {
            self.fork_locks.release_in_child(self.locks());
            true
        } else {
            self.fork_locks.release_in_parent(self.locks())
        };
        if is_outermost {
            self.central.lists().for_each(|list| list.unlock_after_fork());
        }
        local::postfork(is_child);
    }
}
