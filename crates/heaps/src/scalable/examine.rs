//! Telling what is wrong with a pointer into a slab: above all, whether a block is free already.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::search::Search;
use xalloc_blocks::slab::{self, Slab};
use xalloc_heap::Misuse;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns nothing if a block of the slab, which has this owner in the page map, starts at `address`, and is in use.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn examine(&self, owner: usize, slab: &Slab, address: usize) -> Result<(), Misuse> {
        slab.examine(address)?;
        // SAFETY: a block starts there, as was just found; `is_in_a_list` looks while no slice is unmapped.
        let search = unsafe { Search::new(address, slab, slab::KIND, self.key.get()) };
        if search.is_free(&self.registry, |search| self.is_in_a_list(owner, search)) {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        }
        Ok(())
    }

    /// Returns whether the block is in any list of free blocks.
    fn is_in_a_list(&self, owner: usize, search: &Search) -> bool {
        let is_central = self.central.of_owner(owner).is_some();
        let mut heaps = self.registry.all();
        self.back_end.arena.while_mapped(|| {
            let has_bin = |heap: &ThreadLocalHeap<N, T>| {
                ThreadLocalHeap::<N, T>::has_bin(core::ptr::from_ref(heap).cast(), owner)
            };
            // In the order in which blocks move on. Those of a central slab may be in the cache of any thread.
            heaps.any(|heap| {
                search.is_collected(heap)
                    || search.is_sent(heap)
                    || ((is_central || has_bin(heap)) && (search.is_in_slab() || search.is_cached(heap)))
            }) || search.is_in_slab()
        })
    }
}
