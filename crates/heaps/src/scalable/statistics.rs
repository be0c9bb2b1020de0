//! What the heap holds.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::returning;
use xalloc_heap::Stats;
use xalloc_os::refusals;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Adds up slabs, runs and mappings. Cached blocks count as free, blocks on their way between threads as allocated.
    pub(super) fn statistics(&self) -> Stats {
        self.settle();
        let back_end = &self.back_end;
        let mut live = 0;
        let (mut free_pieces, margins) = back_end.runs.free_runs_and_margins();
        back_end.arena.for_each_slab(|slab| {
            live += slab.used() * slab.shape().size as usize;
            free_pieces += slab.shape().capacity as usize - slab.used();
        });
        let (mut cached, mut remote_frees) = (0, 0);
        for heap in self.registry.all() {
            remote_frees += heap.remote().waiting() + heap.remote_cache().bytes();
            for class in &self.table()[1..] {
                let blocks = heap.cache().cached(class.number as usize);
                cached += blocks * class.size as usize;
                free_pieces += blocks;
            }
        }
        let (arena, runs, huge) = (back_end.arena.stats(), back_end.runs.stats(), back_end.huge.stats());
        let (small, large) = (live.saturating_sub(cached), runs.live.saturating_sub(margins));
        let (active, dirty) = (arena.in_slabs + runs.live + huge.live, arena.dirty + runs.dirty + huge.kept);
        Stats {
            allocated: small + large + huge.live,
            active,
            dirty,
            metadata: back_end.metadata.used(),
            retained: (arena.reserved + back_end.huge.mapped()).saturating_sub(active + dirty),
            thread_cache: cached,
            remote_frees,
            huge_blocks: huge.blocks,
            huge_allocated: huge.live,
            huge_blocks_peak: huge.blocks_peak,
            huge_allocated_peak: huge.peak,
            held_peak: back_end.footprint.held_peak(active + dirty - huge.live),
            free_pieces: free_pieces + arena.dirty / SLICE + huge.kept_mappings,
            refused: refusals::count(),
            calls: None,
        }
    }

    /// Takes back what other threads freed, to all heaps whose owners are not in a slow path at the moment.
    fn settle(&self) {
        if let Some(heap) = ThreadLocalHeap::<N, T>::own() {
            let _change = heap.change();
            self.send_all(heap);
            returning::drain(heap, self);
        }
        for heap in self.registry.all().filter(|heap| !heap.remote().is_empty()) {
            self.help(heap);
        }
    }
}
