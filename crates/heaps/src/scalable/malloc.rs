//! Blocks that have a size class: from the thread's bin, from its slabs, from the central list, from a new slab.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::back_end::BlockKind;
use xalloc_blocks::free_list::List;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::returning::Backing;
use xalloc_blocks::slab::Slab;
use xalloc_heap::Call;

/// What all limits of a thread's cache together may have grown by, in bytes.
const ALLOWANCE: usize = 4 << 20;
/// How many classes are scanned for one that can do with less, when the allowance is used up.
const SCAN: usize = 8;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns a block of `class`, or null if there is no memory.
    pub(super) fn malloc_class(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) -> *mut u8 {
        let bin = heap.cache().bin(class);
        let block = bin.pop(&self.key);
        if !block.is_null() {
            return block;
        }
        let _change = heap.change();
        loop {
            let first = bin.head();
            if !first.is_null() {
                // Its list cannot be followed any more.
                let _lost = heap.cache().take(class);
                self.tell_overwritten(Call::Malloc, first);
            }
            self.refill(heap, class);
            let block = bin.pop(&self.key);
            if !block.is_null() || bin.head().is_null() {
                return block;
            }
        }
    }

    /// Puts blocks of `class` into the bin, which is empty, if there is any way to have some.
    fn refill(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) {
        if heap.cache().refill_from_previous(class) {
            return;
        }
        if !heap.remote().is_empty() {
            self.drain(heap);
        }
        if heap.cache().was_flushed(class) {
            self.raise_limit(heap, class);
        }
        let list = self.collect(heap, class).or_else(|| {
            if self.is_full(heap, class) {
                return self.take_central(heap, class);
            }
            self.reclaiming(Some(heap), class, || self.add_slab(heap, class))?;
            self.collect(heap, class)
        });
        let Some(list) = list else { return heap.cache().clear(class) };
        self.count_slow(heap, list.count);
        // SAFETY: blocks of the class that were just taken from slabs; the bin is empty.
        unsafe { heap.cache().refill(class, list) };
    }

    /// Takes blocks of `class` from the heap's slabs.
    fn collect(&self, heap: &ThreadLocalHeap<N, T>, class: usize) -> Option<List> {
        let collected = heap.slabs().collect(self.class(class), self.key.get());
        if let Some(bound) = collected.bound {
            heap.cache().bin(class).set_bound(self.class(class), bound);
        }
        if let Some(block) = collected.overwritten {
            self.tell_overwritten(Call::Malloc, block);
        }
        collected.list
    }

    /// Doubles the limit of a class, if there is an allowance for it.
    fn raise_limit(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) {
        if !heap.cache().raise_limit(self.class(class), ALLOWANCE) {
            self.scan(heap, SCAN, class);
            // Whether there is an allowance now or not.
            let _is_raised = heap.cache().raise_limit(self.class(class), ALLOWANCE);
        }
    }

    /// Whether a thread has as many slabs of a class as it may have.
    fn is_full(&self, heap: &ThreadLocalHeap<N, T>, class: usize) -> bool {
        heap.extra().count(class) >= self.tuning.get().local_pages
    }

    /// Adds a slab to the heap: one of the central list, or a new one. `None` if there is no memory.
    fn add_slab(&self, heap: &ThreadLocalHeap<N, T>, class: usize) -> Option<()> {
        let bin = heap.bin_address(class);
        // SAFETY: the bin is of this class; heaps are never unmapped, and so their bins.
        let taken = unsafe { self.central.list(class).take_slab(bin) };
        let slab = taken.or_else(|| {
            let slab = self.open_slabs(class, heap.slabs().has(self.class(class)))?;
            // SAFETY: a fresh slab, which is in no set; heaps are never unmapped, and so their bins.
            unsafe { slab.register(bin) };
            Some(slab)
        })?;
        let was_used = slab.carved() > 0;
        // SAFETY: the slab is in no list any more, or was never in one.
        unsafe { heap.slabs().add(slab) };
        heap.extra().note_came(class);
        if was_used {
            // Any block of it may come back, not only those that this thread has carved.
            heap.cache().bin(class).set_bound(self.class(class), self.class(class).capacity as usize);
        }
        Some(())
    }

    /// Takes blocks from the central list, for a thread that has as many slabs of the class as it may have.
    fn take_central(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) -> Option<List> {
        let list = self.central.list(class);
        list.take_blocks(self.key.get()).or_else(|| {
            let slab = self.reclaiming(Some(heap), class, || self.open_slabs(class, true))?;
            // One slab more than may stay empty does no harm: blocks of it are taken at once.
            // SAFETY: a fresh slab of the class, which is in no list; a heap for all threads stays where it is.
            let _stays = unsafe { list.add(slab, usize::MAX) };
            list.take_blocks(self.key.get())
        })
    }

    /// Opens as many slabs of a class as are due, and returns the first one, which is nobody's; the others are in the central
    /// list. `fills` as [`Arena::take_slab`](xalloc_blocks::arena::Arena::take_slab) has it. `None` if there is no memory for
    /// one.
    fn open_slabs(&self, class: usize, fills: bool) -> Option<&'static Slab> {
        let (list, tuning) = (self.central.list(class), self.tuning.get());
        let pages = list.pages();
        let first = self.open_slab(class, fills)?;
        let due = pages * tuning.grow / 100;
        let due = if pages == 0 { due.max(tuning.central_pages) } else { due };
        for _ in 1..due {
            let Some(slab) = self.open_slab(class, fills) else { break };
            // SAFETY: as in `take_central`.
            let _stays = unsafe { list.add(slab, usize::MAX) };
        }
        Some(first)
    }

    fn open_slab(&self, class: usize, fills: bool) -> Option<&'static Slab> {
        let slab = self.back_end.take_slab(self.class(class), fills)?;
        self.central.list(class).note_opened();
        self.back_end.grew(BlockKind::Slab, slab.bytes(), self.tuning.get().exact);
        Some(slab)
    }
}
