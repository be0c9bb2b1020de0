//! The statistics of the heap, and the purge of all that it does not need (`malloc_trim`).

use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::{ThreadHeap, Ticks};
use crate::local;
use xalloc_heap::Stats;

impl FastHeap {
    /// Adds up slabs, runs and mappings. Cached blocks count as free, blocks on their way between threads as
    /// allocated.
    pub(super) fn statistics(&self) -> Stats {
        self.settle();
        let remote_frees = self.registry.all().map(|heap| heap.remote().waiting() + heap.remote_cache().bytes()).sum();
        let cached = self.registry.all().map(ThreadHeap::all_cached).sum();
        Stats { remote_frees, ..self.back_end.stats(cached) }
    }

    /// Takes back what other threads freed, to all heaps whose owners are not in a slow path at the moment.
    fn settle(&self) {
        self.with_own_heap(|heap| {
            self.send_all(heap);
            self.drain(heap, Retain::OneSlab);
        });
        self.help_all();
    }

    /// Calls `f` with the calling thread's heap, if it has one, and access to it.
    fn with_own_heap(&self, f: impl FnOnce(&'static ThreadHeap)) {
        if let Some(heap) = ThreadHeap::own() {
            let _change = heap.change();
            f(heap);
        }
    }

    /// Purges free memory, but for about `keep` bytes, and as much in what local heaps share. Returns whether any was.
    pub(super) fn trim_all(&self, keep: usize) -> bool {
        self.with_own_heap(|heap| self.send_all(heap));
        self.release_unused();
        self.with_own_heap(|heap| {
            self.drain(heap, Retain::OneSlab);
            self.empty_bins(heap);
        });
        self.back_end.trim(keep) | local::trim(keep)
    }
}
