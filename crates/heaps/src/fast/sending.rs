//! Freeing other threads' blocks: collected by slab, sent as batches. If their owner does not come for them, because it sleeps
//! or its thread has ended, the sender helps: it drains the owner's heap, and leaves nothing in there that it can release.

use super::classes::CLASSES;
use super::heap::FastHeap;
use super::release::Retain;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_blocks::batch::Batch;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::page_map;
use xalloc_blocks::registry::Registered;
use xalloc_blocks::remote_cache::Chain;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Call, Misuse};

/// How many bytes of freed blocks may wait for an owner. It drains them when it needs blocks; if it sleeps, the sender of more
/// does. With a quarter of it, senders took slabs from owners that were only preempted, which then opened others: sh8bench held
/// a quarter more.
const MOST_WAITING: usize = 4 << 20;

impl FastHeap {
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

    /// Sends a chain that was collected, and counts it as released now and then.
    pub(super) fn send(&self, heap: &ThreadHeap, chain: &Chain) {
        let released = heap.count_sent(self.deliver(chain));
        if released > 0 {
            self.released(released);
        }
    }

    /// Pushes a chain of freed blocks as a batch to the heap that owns their slab; drains that heap if nobody owns it, or if
    /// much waits in it. Returns how many bytes of the chain wait: the owner may sleep, and then the purge takes them back in
    /// its place.
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
        // SAFETY: the chain's last block is the caller's until it is pushed; blocks in flight keep their slab open, and its
        // memory mapped.
        let waiting =
            unsafe { owner.remote().push(batch, bytes, |link| Batch::write(batch, contents.linked_to(link), key)) };
        if waiting > MOST_WAITING || owner.ownership().is_abandoned() {
            self.help(owner);
            return 0;
        }
        bytes
    }

    /// Drains a heap, unless its owner or another helper has access to it.
    pub(super) fn help(&self, heap: &'static ThreadHeap) {
        self.help_with(heap, || self.drain(heap, Retain::Nothing));
    }

    /// Drains all heaps.
    pub(super) fn help_all(&self) {
        self.registry.all().filter(|heap| !heap.remote().is_empty()).for_each(|heap| self.help(heap));
    }

    /// Drains all heaps and releases their empty slabs; of abandoned heaps also what is cached.
    pub(super) fn release_unused(&self) {
        // One that lost its thread in a fork may only have blocks of others.
        for heap in self.registry.all().filter(|heap| heap.may_have_memory()) {
            self.help_with(heap, || {
                self.drain(heap, Retain::Nothing);
                if heap.ownership().is_abandoned() {
                    self.release_cached(heap);
                } else {
                    self.release_all_empty(heap);
                }
            });
        }
    }

    /// Empties the previous lists of all bins: of what threads have cached all that can be had without them.
    pub(super) fn empty_all_previous(&self) {
        for heap in self.registry.all().filter(|heap| heap.slabs().slices() > 0) {
            self.help_with(heap, || (1..CLASSES).for_each(|class| self.empty_previous(heap, class)));
        }
    }

    fn help_with(&self, heap: &'static ThreadHeap, work: impl FnMut()) {
        heap.ownership().help(heap.access(), heap.remote(), work);
    }

    /// Releases what the thread of an abandoned heap had cached if it vanished in a fork, or had only borrowed the heap.
    fn release_cached(&self, heap: &'static ThreadHeap) {
        heap.recount_all(self.key.get());
        self.send_all(heap);
        self.empty_bins(heap);
    }
}
