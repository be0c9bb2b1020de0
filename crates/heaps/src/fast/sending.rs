//! Freeing other threads' blocks: collected by slab, sent as segments, spliced in by the owner.

use super::FastHeap;
use super::segment::{Contents, Segment};
use super::small::Retain;
use super::thread_heap::{OUTGOING, Outgoing, ThreadHeap};
use core::ptr::null_mut;
use xalloc_blocks::free_list::{Block, Key};
use xalloc_blocks::page_map;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Call, Misuse};

/// A batch is sent when it has this many blocks or this many bytes: enough to share the cost of one atomic operation,
/// little enough to be nearly in the cache when the owner takes it.
const BATCH_BLOCKS: u32 = 64;
const BATCH_BYTES: u32 = 16 << 10;
/// How many bytes of freed blocks may wait for an owner. It drains them when it needs blocks; if it sleeps, the sender of more does.
/// With a quarter of it, senders took slabs from owners that were only preempted, which then opened others: sh8bench held a
/// quarter more.
const MOST_WAITING: usize = 4 << 20;
/// After so many bytes a thread counts what it sent as released: all threads write that count.
const COUNT_SENT: usize = 64 << 10;

impl Outgoing {
    /// Puts a block in front of those that wait.
    ///
    /// # Safety
    /// The block is free, and the caller's.
    #[inline(always)]
    unsafe fn collect(&self, block: *mut Block, key: Key) {
        // SAFETY: the caller's: a free block of its own.
        unsafe { Block::set_next(block, self.head.get(), key) };
        self.head.set(block);
        self.count.set(self.count.get() + 1);
    }
}

impl FastHeap {
    /// Frees a block of another heap's slab: it waits for more of its slab.
    #[inline(always)]
    pub(super) fn free_elsewhere(
        &self,
        heap: &'static ThreadHeap,
        slab: &'static Slab,
        block: *mut Block,
    ) -> Result<(), Misuse> {
        let slot = &heap.outgoing.0[hash(slab)];
        let is_middle = core::ptr::eq(slot.slab.get(), slab) && slot.count.get() + 1 != slot.most.get();
        if !is_middle || slot.head.get() == block {
            return self.begin_or_end_batch(heap, slot, slab, block);
        }
        let _change = heap.change_outgoing();
        // SAFETY: the caller freed the block.
        unsafe { slot.collect(block, self.key.get()) };
        Ok(())
    }

    /// Frees a block of another heap's slab that is the first or the last one of a batch, or that was the last one freed: its mark may
    /// have been overwritten since.
    #[inline(never)]
    fn begin_or_end_batch(
        &self,
        heap: &'static ThreadHeap,
        slot: &Outgoing,
        slab: &Slab,
        block: *mut Block,
    ) -> Result<(), Misuse> {
        let is_begun = core::ptr::eq(slot.slab.get(), slab);
        if is_begun && slot.head.get() == block {
            let size = slab.shape().size as usize;
            return Err(Misuse::FreedBefore { size });
        }
        let _change = heap.change_outgoing();
        if !is_begun {
            self.send(heap, slot);
            slot.most.set((BATCH_BYTES / slab.shape().size).clamp(1, BATCH_BLOCKS));
            slot.tail.set(block);
            slot.head.set(null_mut());
            // Last: who looks for a block in here sees no other slab's.
            slot.slab.set(core::ptr::from_ref(slab).cast_mut());
        }
        // SAFETY: the caller freed the block.
        unsafe { slot.collect(block, self.key.get()) };
        let count = slot.count.get();
        if count == slot.most.get() {
            self.send(heap, slot);
            self.count_blocks(heap, count as usize);
        }
        Ok(())
    }

    /// Frees a block for a thread that has no heap: it is sent at once.
    #[inline(never)]
    pub(super) fn free_without_heap(&self, slab: &Slab, block: *mut Block) {
        // SAFETY: the caller freed the block.
        let waiting = unsafe { self.deliver(slab, block, block, 1) };
        self.released(waiting);
    }

    /// Sends everything that was collected for others.
    pub(super) fn send_all(&self, heap: &ThreadHeap) {
        let _change = heap.change_outgoing();
        for slot in &heap.outgoing.0 {
            self.send(heap, slot);
        }
    }

    fn send(&self, heap: &ThreadHeap, slot: &Outgoing) {
        let (slab, count) = (slot.slab.get(), slot.count.get() as usize);
        if count == 0 {
            return;
        }
        slot.count.set(0);
        slot.slab.set(null_mut());
        // SAFETY: records live as long as the process, and the slot's chain is this thread's.
        let waiting = unsafe { self.deliver(&*slab, slot.head.get(), slot.tail.get(), count) };
        let sent = heap.sent.get() + waiting;
        heap.sent.set(if sent < COUNT_SENT { sent } else { 0 });
        if sent >= COUNT_SENT {
            self.released(sent);
        }
    }

    /// Pushes a chain of `count` blocks of the slab as a segment to the heap that owns it; drains that heap if nobody owns it, or if
    /// much waits in it. Returns how many bytes of the chain wait: the owner may sleep, and then the purge takes them back in its
    /// place.
    ///
    /// # Safety
    /// The chain is the caller's, of blocks of the slab.
    unsafe fn deliver(&self, slab: &Slab, head: *mut Block, tail: *mut Block, count: usize) -> usize {
        let Some((bin, _)) = Slab::of(page_map::entry(tail as usize)) else {
            self.reporter.tell(Call::Free, tail as usize, Misuse::FreeMemory);
            return 0;
        };
        // SAFETY: the bin stands in the page map.
        let (owner, _) = unsafe { ThreadHeap::of_bin(bin) };
        let (segment, contents) = (tail.cast::<Segment>(), Segment::of_chain(slab, head, count));
        let (key, bytes) = (self.key.get(), count * slab.shape().size as usize);
        // SAFETY: the caller's: the chain's last block is its own until it is pushed; blocks in flight keep their slab open, and
        // its memory mapped.
        let waiting = unsafe {
            owner.remote().push(segment, bytes, |link| Segment::write(segment, contents.linked_to(link), key))
        };
        if waiting > MOST_WAITING || owner.ownership().is_abandoned() {
            self.help(owner);
            return 0;
        }
        bytes
    }

    /// Splices in what other threads freed. The caller has access to the heap.
    pub(super) fn drain(&self, heap: &'static ThreadHeap, retain: Retain) {
        let mut segment = heap.remote().take_all();
        while !segment.is_null() {
            // SAFETY: taken segments are ours, and mapped: blocks in flight keep their slab open.
            segment = match unsafe { Segment::contents(segment, self.key.get()) } {
                Some(contents) => {
                    self.splice_segment(heap, segment, contents, retain);
                    contents.link
                }
                // What is behind it is lost.
                None => {
                    self.report_overwritten(Call::Free, segment.cast());
                    null_mut()
                }
            };
        }
    }

    fn splice_segment(&self, heap: &'static ThreadHeap, segment: *mut Segment, contents: Contents, retain: Retain) {
        let Some(slab) = heap.slab_of(segment.cast()) else {
            return self.reporter.tell(Call::Free, segment as usize, Misuse::FreeMemory);
        };
        let first = contents.first(slab);
        if !slab.is_block(first as usize) {
            return self.report_overwritten(Call::Free, segment.cast());
        }
        // SAFETY: the slab is this heap's, because slabs never change their heap.
        unsafe { self.splice(heap, slab, first, segment.cast(), contents.count, retain) };
    }
}

/// The slot for a slab: spreads records, which are 64 bytes apart, over the slots.
pub(super) fn hash(slab: &Slab) -> usize {
    let number = core::ptr::from_ref(slab) as usize / size_of::<Slab>();
    (number ^ number >> 7 ^ number >> 14) % OUTGOING
}
