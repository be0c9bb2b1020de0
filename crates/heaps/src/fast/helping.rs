//! Helping heaps whose owner does not come: it sleeps, or its thread has ended. A helper leaves nothing in them that it can
//! release.

use super::FastHeap;
use super::classes::CLASSES;
use super::release::Retain;
use super::thread_heap::ThreadHeap;

impl FastHeap {
    /// Drains a heap, unless its owner or another helper has access to it.
    pub(super) fn help(&self, heap: &'static ThreadHeap) {
        self.help_with(heap, || self.drain(heap, Retain::Nothing));
    }

    /// Drains all heaps.
    pub(super) fn help_all(&self) {
        self.registry.all().filter(|heap| !heap.remote().is_empty()).for_each(|heap| self.help(heap));
    }

    /// Drains all heaps and releases their empty slabs; of abandoned heaps also what is cached.
    pub(super) fn release_unused(&self) {
        // One that lost its thread in a fork may only have blocks of others.
        for heap in self.registry.all().filter(|heap| heap.may_have_memory()) {
            self.help_with(heap, || {
                self.drain(heap, Retain::Nothing);
                if heap.ownership().is_abandoned() {
                    self.release_cached(heap);
                } else {
                    self.release_all_empty(heap);
                }
            });
        }
    }

    /// Empties the previous lists of all bins: of what threads have cached all that can be had without them.
    pub(super) fn empty_all_previous(&self) {
        for heap in self.registry.all().filter(|heap| heap.slabs().slices() > 0) {
            self.help_with(heap, || (1..CLASSES).for_each(|class| self.empty_previous(heap, class)));
        }
    }

    fn help_with(&self, heap: &'static ThreadHeap, work: impl FnMut()) {
        heap.ownership().help(heap.access(), heap.remote(), work);
    }

    /// Releases what the thread of an abandoned heap had cached if it vanished in a fork, or had only borrowed the heap.
    fn release_cached(&self, heap: &'static ThreadHeap) {
        heap.recount(self.key.get());
        self.send_all(heap);
        self.empty_bins(heap);
    }
}
