//! Blocks that have a size class: from the bin, from its previous list, from the heap's slabs, from a new slab.

use super::FastHeap;
use super::classes::TABLE;
use super::footprint::Kind;
use super::thread_heap::{ThreadHeap, flag};
use core::ptr::null_mut;
use xalloc_blocks::free_list::{Block, List};
use xalloc_blocks::page_map;
use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::slab::{Place, Slab, partial_list};
use xalloc_heap::{Call, Misuse};

/// How many slices of slabs a heap keeps although none of their blocks is used, one slab of a class: this many, or an
/// eighth of all its slices.
const EMPTY_SLICES: u32 = 64;
/// How many slabs with few free blocks are collected from in one refill, and how many blocks are enough.
const COLLECT_SLABS: usize = 8;
const COLLECT_BLOCKS: usize = 16;
/// How many blocks go through a thread's slow paths between two sendings of what it collected for others.
const SEND_INTERVAL: u32 = 2048;

/// What a heap retains of a class of which no block is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Retain {
    OneSlab,
    Nothing,
}

impl FastHeap {
    /// A block of `class`, or null if there is no memory.
    #[inline]
    pub(super) fn malloc_class(&self, heap: &'static ThreadHeap, class: usize) -> *mut u8 {
        let block = heap.front(class).pop(&self.key);
        if !block.is_null() {
            return block;
        }
        let _change = heap.change();
        loop {
            let first = heap.front(class).head.get();
            if !first.is_null() {
                // Its list cannot be followed any more.
                heap.clear_front(class);
                self.report_overwritten(Call::Malloc, first);
            }
            self.refill_front(heap, class);
            let front = heap.front(class);
            let block = front.pop(&self.key);
            if !block.is_null() || front.head.get().is_null() {
                return block;
            }
        }
    }

    /// Puts blocks of `class` where `malloc` takes from, which is empty.
    #[inline]
    fn refill_front(&self, heap: &'static ThreadHeap, class: usize) {
        if heap.is_ticking() {
            self.tick(heap);
        }
        // While the thread ticks, what it freed is there.
        if heap.bins[class].head.get().is_null() {
            self.refill(heap, class);
        }
        // It may tick only from now on.
        if heap.is_ticking() {
            heap.ration(class, self.key.get());
        }
    }

    /// Reports a free block that the program wrote to. What was behind it in its list is lost.
    #[cold]
    pub(super) fn report_overwritten(&self, call: Call, block: *mut Block) {
        let slab = Slab::of(page_map::entry(block as usize));
        let size = slab.map_or(0, |(_, slab)| slab.shape().size as usize);
        self.reporter.tell(call, block as usize, Misuse::Overwritten { size });
    }

    /// Puts blocks of `class` into the bin, which is empty, if there is any way to have some.
    #[inline(never)]
    fn refill(&self, heap: &'static ThreadHeap, class: usize) {
        if heap.refill_from_previous(class) {
            return;
        }
        if !heap.remote().is_empty() {
            self.drain(heap, Retain::OneSlab);
        }
        if heap.has_flag(class, flag::FLUSHED) {
            heap.set_flag(class, flag::FLUSHED, false);
            self.raise_limit(heap, class);
        }
        let list = self.collect(heap, class).or_else(|| {
            self.open_slab(heap, class)?;
            self.collect(heap, class)
        });
        let Some(list) = list else { return heap.clear_bin(class) };
        // First: it may empty bins that look idle, and this one looks as it did before.
        self.count_blocks(heap, list.count);
        heap.refill_bin(class, list.head, list.count);
    }

    /// Counts blocks that went through a slow path, and sends now and then what was collected for others.
    pub(super) fn count_blocks(&self, heap: &'static ThreadHeap, blocks: usize) {
        let before = heap.moved.get();
        let after = before.wrapping_add(blocks as u32);
        heap.moved.set(after);
        if before / SEND_INTERVAL != after / SEND_INTERVAL {
            let _change = heap.change();
            self.send_all(heap);
            self.look_at_clock(heap);
        }
        if self.surplus.is_there() {
            self.start_ticking(heap);
        }
    }

    /// Takes blocks from the partial slabs: all that the first one has, and more if that is very few.
    fn collect(&self, heap: &ThreadHeap, class: usize) -> Option<List> {
        let partial = &heap.classes[class].partial;
        let mut all: Option<List> = None;
        for _ in 0..COLLECT_SLABS {
            let slab = partial.get();
            // SAFETY: records live as long as the process; the slabs in the list are this heap's.
            let Some(record) = (unsafe { slab.as_ref() }) else { break };
            if record.used() == 0 && heap.has_flag(class, flag::KEEPS_EMPTY) {
                self.keep_empty(heap, class, false);
            }
            let carved = record.carved();
            let Some(list) = record.take(self.key.get()) else { break };
            if record.carved() != carved {
                self.bound_blocks(heap, record);
            }
            // SAFETY: as above.
            unsafe { partial_list::update(partial, slab) };
            let collected = match all {
                Some(before) => self.join(before, list),
                None => list,
            };
            all = Some(collected);
            if collected.count >= COLLECT_BLOCKS || record.place() != Place::Full {
                break;
            }
        }
        all
    }

    /// Tells the hit path of `free` from where on there are no blocks: from the end of what was carved, if the heap has had one slab of
    /// the class; otherwise from the end of a slab.
    fn bound_blocks(&self, heap: &ThreadHeap, slab: &Slab) {
        let (class, shape) = (slab.class(), slab.shape());
        let is_only = !heap.has_flag(class, flag::HAD_SLABS);
        let bound = if is_only { slab.carved() / shape.size as usize } else { shape.capacity as usize };
        heap.bins[class].set_bound(shape, bound);
    }

    /// Adds a fresh slab to the heap.
    fn open_slab(&self, heap: &'static ThreadHeap, class: usize) -> Option<()> {
        // No slab of the class has a block to give: what one would, this one will.
        let fills = heap.has_flag(class, flag::HAS_SLAB);
        // A chunk that runs do without, before a fresh one.
        let more = || self.runs.release_empty(1, &self.arena, &self.metadata) > 0;
        let take = || self.arena.take_slab(&TABLE[class], fills, &self.metadata, more);
        let slab = self.reclaiming(Some(heap), class, take)?;
        heap.set_flag(
            class,
            flag::HAD_SLABS,
            heap.has_flag(class, flag::HAS_SLAB) || heap.has_flag(class, flag::HAD_SLABS),
        );
        heap.set_flag(class, flag::HAS_SLAB, true);
        slab.register(heap.bin_address(class));
        heap.slices.set(heap.slices.get() + u32::from(slab.shape().slices));
        // SAFETY: the slab is this heap's, and in no list.
        unsafe { partial_list::update(&heap.classes[class].partial, core::ptr::from_ref(slab).cast_mut()) };
        let bytes = slab.shape().slices as usize * SLICE;
        self.surplus.note_taken(bytes);
        self.grew(Kind::Slab, bytes);
        Some(())
    }

    /// A bin got one block more than it has room for: its list becomes the previous one, and the blocks of the one before go
    /// back to their slabs.
    #[cold]
    #[inline(never)]
    pub(super) fn flush(&self, bin: usize) {
        // SAFETY: the caller found the bin in the page map.
        let (heap, class) = unsafe { ThreadHeap::of_bin(bin) };
        let _change = heap.change();
        let (bin, previous_length) = (&heap.bins[class], heap.classes[class].previous_length.get() as usize);
        let old = bin.previous.get();
        let count = heap.length(class);
        heap.set_previous(class, bin.head.get(), count);
        heap.clear_bin(class);
        if !old.is_null() {
            heap.set_flag(class, flag::FLUSHED, true);
            self.give_back(heap, class, old, previous_length);
        }
        self.count_blocks(heap, count);
    }

    /// Gives everything that is at hand back to the slabs.
    pub(super) fn empty_bins(&self, heap: &'static ThreadHeap) {
        self.stop_ticking(heap);
        (1..heap.bins.len()).for_each(|class| self.empty_bin(heap, class));
    }

    /// Gives everything of one class that is at hand back to the slabs.
    pub(super) fn empty_bin(&self, heap: &'static ThreadHeap, class: usize) {
        let (head, length) = (heap.bins[class].head.get(), heap.length(class));
        heap.clear_bin(class);
        self.give_back(heap, class, head, length);
        self.empty_previous(heap, class);
        self.release_empty(heap, class);
    }

    /// Gives the previous list of a class back to the slabs, which no hit path touches.
    pub(super) fn empty_previous(&self, heap: &'static ThreadHeap, class: usize) {
        let (list, count) = (heap.bins[class].previous.get(), heap.classes[class].previous_length.get() as usize);
        heap.set_previous(class, null_mut(), 0);
        self.give_back(heap, class, list, count);
    }

    /// Gives a list of `count` blocks of `class` back to the heap's slabs, neighbours in one slab at once.
    ///
    /// Here the list is checked as the fast path cannot: each block must be one that was handed out at some time, and there
    /// must be as many as were counted. What is wrong is reported, and what follows it in the list is lost.
    pub(super) fn give_back(&self, heap: &'static ThreadHeap, class: usize, list: *mut Block, count: usize) {
        let mut block = list;
        let mut left = count;
        while !block.is_null() {
            let Some(slab) = heap.slab_of(block.cast()) else { return self.report_overwritten(Call::Free, list) };
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
            unsafe { self.splice(heap, slab, head, tail, run, Retain::OneSlab) };
        }
        if left != 0 {
            self.report_overwritten(Call::Free, list);
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
        head: *mut Block,
        tail: *mut Block,
        count: usize,
        retain: Retain,
    ) {
        // SAFETY: the caller's: a chain of the slab's blocks that nobody else has.
        if unsafe { slab.give(head, tail, count, self.key.get()) }.is_err() {
            let size = slab.shape().size as usize;
            return self.reporter.tell(Call::Free, head as usize, Misuse::FreedBefore { size });
        }
        let class = slab.class();
        let partial = &heap.classes[class].partial;
        let record = core::ptr::from_ref(slab).cast_mut();
        // SAFETY: the slab is the heap's.
        unsafe { partial_list::update(partial, record) };
        if slab.used() > 0 {
            return;
        }
        // One is kept, so that a program that frees its last block of a size and allocates it again does not go to the
        // arena each time.
        let most = EMPTY_SLICES.max(heap.slices.get() / 8);
        let may_keep = retain == Retain::OneSlab
            && !self.is_lean()
            && heap.empty_slices.get() + u32::from(slab.shape().slices) <= most;
        if may_keep && !heap.has_flag(class, flag::KEEPS_EMPTY) {
            return self.keep_empty(heap, class, true);
        }
        // SAFETY: it is in the list, because all its blocks can be had.
        unsafe { self.close_slab(heap, slab) };
    }

    /// Notes whether an empty slab of the class is kept; it was the other way before.
    fn keep_empty(&self, heap: &ThreadHeap, class: usize, keep: bool) {
        heap.set_flag(class, flag::KEEPS_EMPTY, keep);
        let (before, slices) = (heap.empty_slices.get(), u32::from(TABLE[class].slices));
        heap.empty_slices.set(if keep { before + slices } else { before - slices });
    }

    /// # Safety
    /// The slab is in the heap's partial list, and none of its blocks is used.
    unsafe fn close_slab(&self, heap: &ThreadHeap, slab: &Slab) {
        // SAFETY: the slab is this heap's, and in its list if it is in any.
        unsafe { partial_list::remove(&heap.classes[slab.class()].partial, core::ptr::from_ref(slab).cast_mut()) };
        slab.unregister();
        heap.slices.set(heap.slices.get() - u32::from(slab.shape().slices));
        heap.set_flag(slab.class(), flag::HAS_SLAB, heap.has_flag(slab.class(), flag::HAD_SLABS));
        let bytes = slab.shape().slices as usize * SLICE;
        self.arena.give_slab(slab);
        self.released(bytes);
    }

    /// Lets all slabs go that were kept although none of their blocks is used.
    pub(super) fn release_all_empty(&self, heap: &ThreadHeap) {
        (1..heap.bins.len()).for_each(|class| self.release_empty(heap, class));
    }

    /// Lets the slab of `class` go that was kept although none of its blocks is used.
    fn release_empty(&self, heap: &ThreadHeap, class: usize) {
        if !heap.has_flag(class, flag::KEEPS_EMPTY) {
            return;
        }
        self.keep_empty(heap, class, false);
        let first = heap.classes[class].partial.get();
        let mut slab = first;
        // SAFETY: the list's slabs are the heap's; the walk ends where it began, or at the slab it looks for.
        while let Some(record) = unsafe { slab.as_ref::<'static>() } {
            if record.used() == 0 {
                // SAFETY: as above.
                return unsafe { self.close_slab(heap, record) };
            }
            slab = record.next.get();
            if slab == first {
                return;
            }
        }
    }

    /// Both lists as one. The first one is short, so that its end is near; if that is not where it must be, it is lost.
    fn join(&self, first: List, second: List) -> List {
        let key = self.key.get();
        let mut tail = first.head;
        for left in (0..first.count).rev() {
            // SAFETY: a chain of free blocks that were just taken from a slab.
            match unsafe { Block::next(tail, key) } {
                Ok(next) if left > 0 && !next.is_null() => tail = next,
                Ok(next) if left == 0 && next.is_null() => break,
                _ => {
                    self.report_overwritten(Call::Malloc, tail);
                    return second;
                }
            }
        }
        // SAFETY: as above.
        unsafe { Block::set_next(tail, second.head, key) };
        List { head: first.head, count: first.count + second.count }
    }
}
