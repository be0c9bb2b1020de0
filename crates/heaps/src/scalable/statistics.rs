//! What the heap holds.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_heap::Stats;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Adds up slabs, runs and mappings. Cached blocks count as free, blocks on their way between threads as allocated.
    pub(super) fn statistics(&self) -> Stats {
        self.settle();
        let remote_frees = self.registry.all().map(|heap| heap.remote().waiting() + heap.remote_cache().bytes()).sum();
        let cached = self.registry.all().map(|heap| heap.cache().all_cached(self.table())).sum();
        Stats { remote_frees, ..self.back_end.stats(cached) }
    }

    /// Takes back what other threads freed, to all heaps whose owners are not in a slow path at the moment.
    fn settle(&self) {
        if let Some(heap) = ThreadLocalHeap::<N, T>::own() {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap);
        }
        for heap in self.registry.all().filter(|heap| !heap.remote().is_empty()) {
            self.help(heap);
        }
    }
}
