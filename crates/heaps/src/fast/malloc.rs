//! Allocating: the hit path, and then, for a block that has a size class, the bin's previous list, the heap's slabs, a new
//! slab.

use super::classes::{self, TABLE, class_of};
use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_blocks::back_end::BlockKind;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::List;
use xalloc_blocks::page_map::SLICE;
use xalloc_heap::Call;
use xalloc_os::thread;

/// What all limits of a thread's cache together may have grown by: this much, or an eighth of the heap's slabs.
const ALLOWANCE: usize = 4 << 20;
/// How many classes are scanned for one that can do with less, when the allowance is used up.
const SCAN: usize = 8;

impl FastHeap {
    /// Takes a block of at least `size` bytes that the calling thread has cached. Null if it has none. The hit path.
    #[inline(always)]
    pub(super) fn pop_of_size(&self, size: usize) -> *mut u8 {
        // SAFETY: the word is the address of a thread heap, or of its rations, or of zeros that read as empty bins.
        let pop = |bin: usize| unsafe { (*thread::word().add(bin).cast::<Bin>()).pop(&self.key) };
        // Each returns by itself, so that neither jumps to the other's code.
        if size <= classes::SHORT_MAX {
            return pop(classes::BIN_OF_SIZE[size] as usize);
        }
        if size <= classes::MAX { pop(class_of(size) * size_of::<Bin>()) } else { core::ptr::null_mut() }
    }

    /// Returns a block of `class`, or null if there is no memory.
    #[inline]
    pub(super) fn malloc_class(&self, heap: &'static ThreadHeap, class: usize) -> *mut u8 {
        let block = front(heap, class).pop(&self.key);
        if !block.is_null() {
            return block;
        }
        let _change = heap.change();
        loop {
            let first = front(heap, class).head();
            if !first.is_null() {
                // Its list cannot be followed any more.
                let _lost = if heap.ticking().is_on() { heap.rations().take(class) } else { heap.cache().take(class) };
                self.report_overwritten(Call::Malloc, first);
            }
            self.refill_front(heap, class);
            let front = front(heap, class);
            let block = front.pop(&self.key);
            if !block.is_null() || front.head().is_null() {
                return block;
            }
        }
    }

    /// Puts blocks of `class` where `malloc` takes from, which is empty.
    #[inline]
    fn refill_front(&self, heap: &'static ThreadHeap, class: usize) {
        if heap.ticking().is_on() {
            self.tick(heap);
        }
        // While the thread ticks, what it freed is there.
        if heap.cache().bin(class).head().is_null() {
            self.refill(heap, class);
        }
        // It may tick only from now on.
        if heap.ticking().is_on()
            && let Some(ration) = heap.cache().cut(class, heap.ticking().ration_size(), self.key.get())
        {
            // SAFETY: blocks of the class that were just cut off; the ration is used up.
            unsafe { heap.rations().set(class, ration) };
        }
    }

    /// Puts blocks of `class` into the bin, which is empty, if there is any way to have some.
    #[inline(never)]
    fn refill(&self, heap: &'static ThreadHeap, class: usize) {
        if heap.cache().refill_from_previous(class) {
            return;
        }
        if !heap.remote().is_empty() {
            self.drain(heap, Retain::OneSlab);
        }
        if heap.cache().was_flushed(class) {
            self.raise_limit(heap, class);
        }
        let list = self.collect(heap, class).or_else(|| {
            self.open_slab(heap, class)?;
            self.collect(heap, class)
        });
        let Some(list) = list else { return heap.cache().clear(class) };
        // First: it may empty bins that look idle, and this one looks as it did before.
        self.count_slow(heap, list.count);
        // SAFETY: blocks of the class that were just taken from the heap's slabs; the bin is empty.
        unsafe { heap.cache().refill(class, list) };
    }

    /// Takes blocks of `class` from the heap's slabs.
    fn collect(&self, heap: &ThreadHeap, class: usize) -> Option<List> {
        let collected = heap.slabs().collect(&TABLE[class], self.key.get());
        if let Some(bound) = collected.bound {
            heap.cache().bin(class).set_bound(&TABLE[class], bound);
        }
        if let Some(block) = collected.overwritten {
            self.report_overwritten(Call::Malloc, block);
        }
        collected.list
    }

    /// Doubles the limit of a class, if there is an allowance for it.
    fn raise_limit(&self, heap: &'static ThreadHeap, class: usize) {
        if self.is_lean() {
            return;
        }
        let allowance = ALLOWANCE.max(heap.slabs().slices() * SLICE / 8);
        if !heap.cache().raise_limit(&TABLE[class], allowance) {
            self.scan(heap, SCAN, class);
            // Whether there is an allowance now or not.
            let _is_raised = heap.cache().raise_limit(&TABLE[class], allowance);
        }
    }

    /// Adds a fresh slab to the heap.
    fn open_slab(&self, heap: &'static ThreadHeap, class: usize) -> Option<()> {
        // No slab of the class has a block to give: what one would, this one will.
        let fills = heap.slabs().has(&TABLE[class]);
        let take = || self.back_end.take_slab(&TABLE[class], fills);
        let slab = self.reclaiming(Some(heap), class, take)?;
        // SAFETY: a fresh slab, which is in no set; heaps are never unmapped, and so their bins.
        unsafe {
            slab.register(heap.bin_address(class));
            heap.slabs().add(slab);
        }
        self.surplus.note_taken(slab.bytes());
        self.grew(BlockKind::Slab, slab.bytes());
        Some(())
    }
}

/// Returns the bin that the heap's thread's mallocs of a class take from.
#[inline(always)]
fn front(heap: &ThreadHeap, class: usize) -> &Bin {
    if heap.ticking().is_on() { heap.rations().bin(class) } else { heap.cache().bin(class) }
}
