//! Blocks that go back to their slabs, and slabs that go back to the arena.

use super::classes::{CLASSES, TABLE};
use super::heap::FastHeap;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_blocks::free_list::{Key, List};
use xalloc_blocks::remote_cache::Chain;
use xalloc_blocks::returning::{self, Backing};
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

    /// Releases a list of blocks of `class`, which was cached, to the heap's slabs. The caller has access to the heap.
    pub(super) fn return_list(&self, heap: &'static ThreadHeap, class: usize, list: List) {
        // SAFETY: the callers have access to the heap, and have just taken the list out of its cache or its rations.
        unsafe { returning::return_list(heap, class, list, &Slabs { fast: self, retain: Retain::OneSlab }) };
    }

    /// Releases a slab that is in no set, and of which no block is used.
    fn close_slab(&self, slab: &Slab) {
        // SAFETY: the slab was just taken out of its set, and no block of it is used.
        let bytes = unsafe { self.back_end.give_slab(slab) };
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
        if !heap.ticking().is_on() {
            return;
        }
        if heap.rations().are_in_use() {
            Phase::Cached(core::ptr::from_ref(heap).cast_mut().cast()).enter();
        }
        heap.ticking().end();
        for class in 1..CLASSES {
            self.return_list(heap, class, heap.rations().take(class));
        }
    }

    /// Takes back what other threads freed. The caller has access to the heap.
    pub(super) fn drain(&self, heap: &'static ThreadHeap, retain: Retain) {
        // SAFETY: the callers are slow paths between `change` and its end, or helpers at work.
        unsafe { returning::drain(heap, &Slabs { fast: self, retain }) };
    }
}

/// Where the slabs of threads go, when blocks come back to them.
struct Slabs<'a> {
    fast: &'a FastHeap,
    retain: Retain,
}

impl Backing<ThreadHeap> for Slabs<'_> {
    fn key(&self) -> Key {
        self.fast.key.get()
    }

    fn may_keep(&self) -> bool {
        self.retain == Retain::OneSlab && !self.fast.is_lean()
    }

    fn close_slab(&self, _heap: &'static ThreadHeap, slab: &'static Slab) {
        self.fast.close_slab(slab);
    }

    /// Slabs never change their heap: a chain that is another one's was made by who wrote to a free block.
    fn forward(&self, chain: Chain) {
        self.fast.report_overwritten(Call::Free, chain.head);
    }

    fn tell(&self, call: Call, address: usize, misuse: Misuse) {
        self.fast.reporter.tell(call, address, misuse);
    }
}
