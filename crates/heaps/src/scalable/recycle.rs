//! Free slabs and what is cached: on their way back to the kernel.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use crate::local;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_blocks::registry::Registered;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns the result of `attempt`, which has none when the kernel refuses memory. It is made up to three times: as it is,
    /// after unused memory was collected, and after unused memory was unmapped. `heap` is the caller's, if it has one; it is
    /// refilling the bin of the class `busy`.
    pub(super) fn reclaiming<R>(
        &self,
        heap: Option<&'static ThreadLocalHeap<N, T>>,
        busy: usize,
        attempt: impl Fn() -> Option<R>,
    ) -> Option<R> {
        attempt()
            .or_else(|| if self.collect_unused(heap, busy) { attempt() } else { None })
            .or_else(|| if self.back_end.arena.unmap() > 0 { attempt() } else { None })
    }

    /// Brings to the back end, or unmaps, what this thread has cached of all classes but `busy`, what was sent to threads, and
    /// empty slabs; unmaps what local heaps do not use. Returns whether there is anything that was not there when memory was
    /// short before.
    fn collect_unused(&self, heap: Option<&'static ThreadLocalHeap<N, T>>, busy: usize) -> bool {
        if let Some(heap) = heap {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap);
            (1..N).filter(|&class| class != busy).for_each(|class| self.empty_bin(heap, class));
        }
        self.release_unused();
        self.back_end.collect_unused() | local::release_unused()
    }

    /// Purges free memory, but for about `keep` bytes, and as much in what local heaps share. Returns whether any was.
    pub(super) fn trim_all(&self, keep: usize) -> bool {
        if let Some(heap) = ThreadLocalHeap::<N, T>::own() {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap);
            self.empty_bins(heap);
        }
        self.release_unused();
        self.back_end.trim(keep) | local::trim(keep)
    }

    /// Purges what has been free for long.
    pub(super) fn purge_aged(&self) {
        self.release_unused();
        self.back_end.huge.clean_surplus();
        self.back_end.purge(usize::MAX, PurgeScope::Aged);
    }

    /// Takes back what waits for all threads, and gives their empty slabs and those of the central lists to the back end; also
    /// what abandoned heaps have.
    fn release_unused(&self) {
        for heap in self.registry.all() {
            if heap.may_have_memory() || !heap.remote().is_empty() {
                self.help_with(heap, || self.release_of(heap));
            }
        }
        for list in self.central.lists() {
            while let Some(slab) = list.take_empty() {
                self.close(slab);
            }
        }
    }

    fn release_of(&self, heap: &'static ThreadLocalHeap<N, T>) {
        self.drain(heap);
        if heap.ownership().is_abandoned() {
            heap.recount(self.key.get());
            self.send_all(heap);
            self.retire(heap);
        } else {
            (1..N).for_each(|class| self.release_empty(heap, class));
        }
    }

    /// Gives all that is cached back to the slabs, and all slabs of which blocks can be had to the central lists. The caller
    /// has access to the heap.
    pub(super) fn retire(&self, heap: &'static ThreadLocalHeap<N, T>) {
        self.empty_bins(heap);
        self.move_slabs(heap);
    }

    /// Gives everything that is cached back to the slabs.
    fn empty_bins(&self, heap: &'static ThreadLocalHeap<N, T>) {
        (1..N).for_each(|class| self.empty_bin(heap, class));
    }

    /// Gives everything of one class that is cached back to the slabs, also the slab that was kept although none of its blocks
    /// is used.
    pub(super) fn empty_bin(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) {
        self.return_list(heap, class, heap.cache().take(class));
        self.return_list(heap, class, heap.cache().take_previous(class));
        self.release_empty(heap, class);
    }

    fn release_empty(&self, heap: &'static ThreadLocalHeap<N, T>, class: usize) {
        if let Some(slab) = heap.slabs().take_empty(self.class(class)) {
            heap.extra().note_went(class);
            self.give_central(slab);
        }
    }
}
