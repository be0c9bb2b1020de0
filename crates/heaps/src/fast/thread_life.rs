//! How a thread comes to a heap, and how it leaves it.

use super::classes::TABLE;
use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_os::thread::Phase;

impl FastHeap {
    /// Calls `f` with the calling thread's heap; for a thread that has none, with one that it borrows for the call.
    /// `None` if there is no memory for one.
    pub(super) fn with_heap<T>(&self, f: impl FnOnce(&'static ThreadHeap) -> T) -> Option<T> {
        if let Some(heap) = ThreadHeap::own() {
            return Some(f(heap));
        }
        let heap = self.adopt()?;
        let result = f(heap);
        self.leave(heap);
        Some(result)
    }

    /// Returns a heap for the calling thread, which has none. `None` if there is no memory for one.
    pub(super) fn adopt(&self) -> Option<&'static ThreadHeap> {
        // SAFETY: zeros are a thread that does not tick, and empty rations.
        let create = || unsafe { ThreadHeap::create_in(&self.back_end.metadata, &TABLE) };
        let heap = self.reclaiming_all(|| self.registry.adopt(create))?;
        heap.recount_all(self.key.get());
        if heap.ticking().is_on() {
            // Its last thread vanished in a fork.
            let _change = heap.change();
            self.stop_ticking(heap);
        }
        Some(heap)
    }

    /// Leaves a heap to the next thread.
    fn leave(&self, heap: &'static ThreadHeap) {
        self.registry.abandon(heap);
        // Senders that came before saw an owner.
        if !heap.remote().is_empty_after_change() {
            self.help(heap);
        }
    }

    /// Ends the calling thread's use of its heap: what it has cached goes to the slabs, and the heap to the next thread.
    pub(super) fn end_thread(&self) {
        let Some(heap) = ThreadHeap::own() else { return };
        {
            let _change = heap.change();
            // First, so that a signal handler that allocates meanwhile finds no bins to take from.
            Phase::Plain.enter();
            self.send_all(heap);
            self.drain(heap, Retain::OneSlab);
            self.empty_bins(heap);
        }
        self.leave(heap);
    }
}
