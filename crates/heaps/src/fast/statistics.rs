//! The statistics of the heap, and the purge of all that it does not need (`malloc_trim`).

use super::classes::TABLE;
use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_heap::Stats;
use xalloc_os::refusals;

impl FastHeap {
    /// Adds up slabs, runs and mappings. Cached blocks count as free, blocks on their way between threads as
    /// allocated.
    pub(super) fn statistics(&self) -> Stats {
        self.settle();
        let mut live = 0;
        let (mut free_pieces, margins) = self.runs.free_runs_and_margins();
        self.arena.for_each_slab(|slab| {
            live += slab.used() * slab.shape().size as usize;
            free_pieces += slab.shape().capacity as usize - slab.used();
        });
        let (mut cached, mut remote_frees) = (0, 0);
        for heap in self.registry.all() {
            remote_frees += heap.remote().waiting() + heap.remote_cache().bytes();
            for (class, shape) in TABLE.iter().enumerate().skip(1) {
                let blocks = heap.cached(class);
                cached += blocks * shape.size as usize;
                free_pieces += blocks;
            }
        }
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        let (small, large) = (live.saturating_sub(cached), runs.live.saturating_sub(margins));
        let (active, dirty) = (arena.in_slabs + runs.live + huge.live, arena.dirty + runs.dirty + huge.kept);
        Stats {
            allocated: small + large + huge.live,
            active,
            dirty,
            metadata: self.metadata.used(),
            retained: (arena.reserved + self.huge.mapped()).saturating_sub(active + dirty),
            thread_cache: cached,
            remote_frees,
            huge_blocks: huge.blocks,
            huge_allocated: huge.live,
            huge_blocks_peak: huge.blocks_peak,
            huge_allocated_peak: huge.peak,
            held_peak: self.footprint.held_peak(active + dirty - huge.live),
            free_pieces: free_pieces + arena.dirty / SLICE + huge.kept_mappings,
            refused: refusals::count(),
            calls: None,
        }
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

    /// Purges free memory, but for about `keep` bytes.
    pub(super) fn trim_all(&self, keep: usize) -> bool {
        self.with_own_heap(|heap| self.send_all(heap));
        self.release_unused();
        self.with_own_heap(|heap| {
            self.drain(heap, Retain::OneSlab);
            self.empty_bins(heap);
        });
        let surplus = match keep {
            // All, also of what other threads free meanwhile.
            0 => usize::MAX,
            keep => (self.arena.stats().dirty + self.runs.stats().dirty).saturating_sub(keep),
        };
        if keep == 0 {
            self.runs.release_empty(usize::MAX, &self.arena, &self.metadata);
        }
        let given = self.runs.purge(surplus, PurgeScope::All);
        let given = given + self.arena.purge(surplus.saturating_sub(given), PurgeScope::All);
        let given = given + self.huge.trim();
        if keep == 0 {
            self.arena.unmap();
        }
        given > 0
    }
}
