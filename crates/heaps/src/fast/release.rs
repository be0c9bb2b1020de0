//! Blocks that go back to their slabs, and slabs that go back to the arena.

use super::classes::{CLASSES, TABLE};
use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use core::ptr::null_mut;
use xalloc_blocks::batch::{Batch, Contents};
use xalloc_blocks::free_list::{Block, List};
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Call, Misuse};
use xalloc_os::thread::Phase;

/// What a heap retains of a class of which no block is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retain {
    OneSlab,
    Nothing,
}

impl FastHeap {
    /// Gives everything that is cached back to the slabs.
    pub(super) fn empty_bins(&self, heap: &'static ThreadHeap) {
        self.stop_ticking(heap);
        (1..CLASSES).for_each(|class| self.empty_bin(heap, class));
    }

    /// Gives everything of one class that is cached back to the slabs.
    pub(super) fn empty_bin(&self, heap: &'static ThreadHeap, class: usize) {
        self.return_list(heap, class, heap.cache().take(class));
        self.empty_previous(heap, class);
        self.release_empty(heap, class);
    }

    /// Gives the previous list of a class back to the slabs, which no hit path touches.
    pub(super) fn empty_previous(&self, heap: &'static ThreadHeap, class: usize) {
        self.return_list(heap, class, heap.cache().take_previous(class));
    }

    /// Releases a list of blocks of `class` to the heap's slabs, neighbours in one slab at once.
    ///
    /// Here the list is checked as the hit path cannot: each block must be one that was handed out at some time, and there
    /// must be as many as were counted. What is wrong is reported, and what follows it in the list is lost.
    pub(super) fn return_list(&self, heap: &'static ThreadHeap, class: usize, list: List) {
        let List { head: first, count: mut left } = list;
        let mut block = first;
        while !block.is_null() {
            let Some(slab) = heap.slab_of(block.cast()) else { return self.report_overwritten(Call::Free, first) };
            let head = block;
            let mut tail = block;
            let mut run = 0;
            while !block.is_null() && slab.contains(block as usize) {
                if let Err(misuse) = slab.examine(block as usize) {
                    return self.reporter.tell(Call::Free, block as usize, misuse);
                }
                if run == left || slab.class() != class {
                    return self.report_overwritten(Call::Free, block);
                }
                run += 1;
                tail = block;
                // SAFETY: a block of a slab of this heap, in a free list.
                let Ok(next) = (unsafe { Block::next(block, self.key.get()) }) else {
                    return self.report_overwritten(Call::Free, block);
                };
                block = next;
            }
            left -= run;
            // SAFETY: the chain was just walked; its blocks were this bin's.
            unsafe { self.splice(heap, slab, (head, tail), run, Retain::OneSlab) };
        }
        if left != 0 {
            self.report_overwritten(Call::Free, first);
        }
    }

    /// Gives a chain of blocks back to one slab, and lets the slab go if no block of it is used any more.
    ///
    /// # Safety
    /// The blocks from `head` to `tail` are the slab's, which is the heap's, and nobody else has them.
    pub(super) unsafe fn splice(
        &self,
        heap: &'static ThreadHeap,
        slab: &'static Slab,
        (head, tail): (*mut Block, *mut Block),
        count: usize,
        retain: Retain,
    ) {
        let may_keep = retain == Retain::OneSlab && !self.is_lean();
        // SAFETY: the caller's: a chain of the slab's blocks that nobody else has.
        match unsafe { heap.slabs().give(slab, (head, tail), count, may_keep, self.key.get()) } {
            Ok(true) => self.close_slab(slab),
            Ok(false) => {}
            Err(_) => {
                let size = slab.shape().size as usize;
                self.reporter.tell(Call::Free, head as usize, Misuse::FreedBefore { size });
            }
        }
    }

    /// Gives a slab that is in no set, and of which no block is used, back to the arena.
    fn close_slab(&self, slab: &Slab) {
        let bytes = slab.bytes();
        // SAFETY: the slab was just taken out of its set, and no block of it is used.
        unsafe {
            slab.unregister();
            self.arena.give_slab(slab);
        }
        self.released(bytes);
    }

    /// Lets all slabs go that were kept although none of their blocks is used.
    pub(super) fn release_all_empty(&self, heap: &ThreadHeap) {
        (1..CLASSES).for_each(|class| self.release_empty(heap, class));
    }

    /// Lets the slab of `class` go that was kept although none of its blocks is used.
    fn release_empty(&self, heap: &ThreadHeap, class: usize) {
        if let Some(slab) = heap.slabs().take_empty(&TABLE[class]) {
            self.close_slab(slab);
        }
    }

    /// Has the heap's thread, which is the calling one or none, allocate and free from one set of bins again.
    pub(super) fn stop_ticking(&self, heap: &'static ThreadHeap) {
        if !heap.ticking.is_on() {
            return;
        }
        if heap.rations().are_in_use() {
            Phase::Cached(core::ptr::from_ref(heap).cast_mut().cast()).enter();
        }
        heap.ticking.end();
        for class in 1..CLASSES {
            self.return_list(heap, class, heap.rations().take(class));
        }
    }

    /// Splices in what other threads freed. The caller has access to the heap.
    pub(super) fn drain(&self, heap: &'static ThreadHeap, retain: Retain) {
        let mut batch = heap.remote().take_all();
        while !batch.is_null() {
            // SAFETY: taken batches are ours, and mapped: blocks in flight keep their slab open.
            batch = match unsafe { Batch::contents(batch, self.key.get()) } {
                Some(contents) => {
                    self.splice_batch(heap, batch, contents, retain);
                    contents.link
                }
                // What is behind it is lost.
                None => {
                    self.report_overwritten(Call::Free, batch.cast());
                    null_mut()
                }
            };
        }
    }

    fn splice_batch(&self, heap: &'static ThreadHeap, batch: *mut Batch, contents: Contents, retain: Retain) {
        let Some(slab) = heap.slab_of(batch.cast()) else {
            return self.reporter.tell(Call::Free, batch as usize, Misuse::FreeMemory);
        };
        let first = contents.first(slab);
        if !slab.is_block(first as usize) {
            return self.report_overwritten(Call::Free, batch.cast());
        }
        // SAFETY: the slab is this heap's, because slabs never change their heap.
        unsafe { self.splice(heap, slab, (first, batch.cast()), contents.count, retain) };
    }
}
