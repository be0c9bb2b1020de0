//! Freeing other threads' blocks: collected by slab, sent as batches, spliced in by the owner.

use super::FastHeap;
use super::release::Retain;
use super::thread_heap::ThreadHeap;
use core::ptr::null_mut;
use xalloc_blocks::batch::{Batch, Contents};
use xalloc_blocks::free_list::Block;
use xalloc_blocks::page_map;
use xalloc_blocks::remote_cache::{Chain, Due};
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Call, Misuse};

/// How many bytes of freed blocks may wait for an owner. It drains them when it needs blocks; if it sleeps, the sender of more does.
/// With a quarter of it, senders took slabs from owners that were only preempted, which then opened others: sh8bench held a
/// quarter more.
const MOST_WAITING: usize = 4 << 20;

impl FastHeap {
    /// Frees a block of another heap's slab: it waits for more of its slab.
    #[inline(always)]
    pub(super) fn free_elsewhere(
        &self,
        heap: &'static ThreadHeap,
        slab: &'static Slab,
        block: *mut Block,
    ) -> Result<(), Misuse> {
        let Some(open) = heap.remote_cache().open(slab, block) else {
            return self.begin_or_end_batch(heap, slab, block);
        };
        let _change = heap.change_remote_cache();
        // SAFETY: the caller freed the block.
        unsafe { open.add(block, self.key.get()) };
        Ok(())
    }

    /// Frees a block of another heap's slab that is the first or the last one of a batch, or that was the last one freed.
    #[inline(never)]
    fn begin_or_end_batch(
        &self,
        heap: &'static ThreadHeap,
        slab: &'static Slab,
        block: *mut Block,
    ) -> Result<(), Misuse> {
        let _change = heap.change_remote_cache();
        // SAFETY: the caller freed the block.
        let Ok(Due { displaced, full }) = (unsafe { heap.remote_cache().add(slab, block, self.key.get()) }) else {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        };
        if let Some(chain) = displaced {
            self.send(heap, &chain);
        }
        if let Some(chain) = full {
            self.send(heap, &chain);
            self.count_slow(heap, chain.count);
        }
        Ok(())
    }

    /// Frees a block for a thread that has no heap: it is sent at once.
    #[inline(never)]
    pub(super) fn free_without_heap(&self, slab: &'static Slab, block: *mut Block) {
        let waiting = self.deliver(&Chain { slab, head: block, tail: block, count: 1 });
        self.released(waiting);
    }

    /// Sends everything that was collected for others.
    pub(super) fn send_all(&self, heap: &ThreadHeap) {
        let _change = heap.change_remote_cache();
        heap.remote_cache().take_all().for_each(|chain| self.send(heap, &chain));
    }

    fn send(&self, heap: &ThreadHeap, chain: &Chain) {
        let released = heap.count_sent(self.deliver(chain));
        if released > 0 {
            self.released(released);
        }
    }

    /// Pushes a chain of freed blocks as a batch to the heap that owns their slab; drains that heap if nobody owns it, or if
    /// much waits in it. Returns how many bytes of the chain wait: the owner may sleep, and then the purge takes them back in its
    /// place.
    fn deliver(&self, chain: &Chain) -> usize {
        let Chain { slab, head, tail, count } = *chain;
        let Some((bin, _)) = Slab::of(page_map::entry(tail as usize)) else {
            self.reporter.tell(Call::Free, tail as usize, Misuse::FreeMemory);
            return 0;
        };
        // SAFETY: the bin stands in the page map.
        let (owner, _) = unsafe { ThreadHeap::of_bin(bin) };
        let (batch, contents) = (tail.cast::<Batch>(), Batch::of_chain(slab, head, count));
        let (key, bytes) = (self.key.get(), count * slab.shape().size as usize);
        // SAFETY: the chain's last block is the caller's until it is pushed; blocks in flight keep their slab open, and its memory
        // mapped.
        let waiting =
            unsafe { owner.remote().push(batch, bytes, |link| Batch::write(batch, contents.linked_to(link), key)) };
        if waiting > MOST_WAITING || owner.ownership().is_abandoned() {
            self.help(owner);
            return 0;
        }
        bytes
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
