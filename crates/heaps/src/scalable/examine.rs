//! Telling what is wrong with a pointer into a slab: above all, whether a block is free already.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::page_map;
use xalloc_blocks::registry::Registered;
use xalloc_blocks::search::Search;
use xalloc_blocks::slab::{self, Slab};
use xalloc_heap::{Misuse, Refusal};

/// How often is looked, at the most, while threads move blocks, and for how long is waited in between.
const LOOKS: usize = 64;
const PAUSE: usize = 1000;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns nothing if a block of the slab, which has this owner in the page map, starts at `address`, and is in use.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn examine(&self, owner: usize, slab: &Slab, address: usize) -> Result<(), Misuse> {
        slab.examine(address)?;
        let block = address as *const Block;
        // SAFETY: a block of the slab starts there.
        if unsafe { Block::looks_free(block) } && self.is_free(owner, slab, block) {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        }
        Ok(())
    }

    /// Returns whether the block is in a list of free blocks. Another thread may be moving it to another list meanwhile.
    #[cold]
    fn is_free(&self, owner: usize, slab: &Slab, block: *const Block) -> bool {
        // SAFETY: a block of the slab.
        if !unsafe { Block::is_encoded(block, self.key.get()) } {
            return false;
        }
        // While a thread moves blocks from one list to another, they may be in none.
        for _ in 0..LOOKS {
            let were_whole = self.registry.all().all(Registered::is_whole);
            if self.is_in_a_list(owner, slab, block) {
                return true;
            }
            if were_whole && self.registry.all().all(Registered::is_whole) {
                return false;
            }
            (0..PAUSE).for_each(|_| core::hint::spin_loop());
        }
        false
    }

    fn is_in_a_list(&self, owner: usize, slab: &Slab, block: *const Block) -> bool {
        let is_central = self.central.of_owner(owner).is_some();
        let mut heaps = self.registry.all();
        self.back_end.arena.while_mapped(|| {
            let search = Search { block, slab, kind: slab::KIND, key: self.key.get() };
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

    /// Returns the usable size of the block in use that starts at this address. Any address may be asked about.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(super) fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        match Slab::of(entry) {
            Some((owner, slab)) => {
                self.examine(owner, slab, address)?;
                Ok(slab.shape().size as usize)
            }
            None => self.back_end.size_at(address, entry),
        }
    }

    /// Returns what is wrong with an address that is in the heap's memory, and no block in use.
    pub(super) fn misuse_of(&self, address: usize) -> Option<Misuse> {
        let entry = page_map::entry(address);
        match Slab::of(entry) {
            Some((owner, slab)) => self.examine(owner, slab, address).err(),
            None => self.back_end.misuse_at(address, entry),
        }
    }
}
