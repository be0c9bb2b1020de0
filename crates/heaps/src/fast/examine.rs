//! Telling what is wrong with a pointer: above all, whether a block is free already.
//!
//! A block that looks free is looked for in every list where it may be. That is slow, and happens only when a program frees a
//! block twice, or has written the mark of a free block into one of its own.

use super::heap::FastHeap;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_blocks::chains;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::page_map;
use xalloc_blocks::registry::Registered;
use xalloc_blocks::search::Search;
use xalloc_blocks::slab::{self, Slab};
use xalloc_heap::{Call, Incident, Misuse, Refusal};

/// How often is looked, at the most, while threads move blocks, and for how long is waited in between.
const LOOKS: usize = 64;
const PAUSE: usize = 1000;

impl FastHeap {
    /// Returns nothing if a block of the slab, which `bin` stands for in the page map, starts at `address` and is in use.
    ///
    /// # Errors
    /// What is wrong with the address if not.
    pub(super) fn examine(&self, bin: usize, slab: &Slab, address: usize) -> Result<(), Misuse> {
        slab.examine(address)?;
        // Its slices may become another slab's at this moment: then no block of it was in use.
        if ThreadHeap::class_of_bin(bin) != slab.class() {
            return Err(Misuse::FreeMemory);
        }
        let block = address as *const Block;
        // SAFETY: a block of the slab starts there.
        if unsafe { Block::looks_free(block) } && self.is_free(bin, slab, block) {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        }
        Ok(())
    }

    /// Returns whether a block of the slab is in a list of free blocks. Another thread may be moving it to another list
    /// meanwhile.
    #[cold]
    fn is_free(&self, bin: usize, slab: &Slab, block: *const Block) -> bool {
        // SAFETY: a block of the slab.
        if !unsafe { Block::is_encoded(block, self.key.get()) } {
            return false;
        }
        // While a thread moves blocks from one list to another, they may be in none.
        for _ in 0..LOOKS {
            let were_whole = self.are_all_whole();
            if self.is_in_a_list(bin, slab, block) {
                return true;
            }
            if were_whole && self.are_all_whole() {
                return false;
            }
            (0..PAUSE).for_each(|_| core::hint::spin_loop());
        }
        false
    }

    /// Returns whether no thread is moving blocks.
    fn are_all_whole(&self) -> bool {
        self.registry.all().all(ThreadHeap::is_whole)
    }

    /// Returns whether the block is in any list of free blocks.
    fn is_in_a_list(&self, bin: usize, slab: &Slab, block: *const Block) -> bool {
        // SAFETY: the bin stands in the page map.
        let (owner, class) = unsafe { ThreadHeap::of_bin(bin) };
        let mut heaps = self.registry.all();
        self.back_end.arena.while_mapped(|| {
            let search = Search { block, slab, kind: slab::KIND, key: self.key.get() };
            // In the order in which blocks move on. A bin's go to a ration, or back to their slab.
            heaps.any(|heap| search.is_collected(heap))
                || search.is_sent(owner)
                || search.is_in_slab()
                || search.is_cached(owner)
                || search.is_in_list(owner.rations().bin(class).head())
                || search.is_cached(owner)
                || search.is_in_slab()
        })
    }

    /// Returns the usable size of the block in use that starts at this address. Any address may be asked about.
    pub(super) fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        if let Some((bin, slab)) = Slab::of(entry) {
            self.examine(bin, slab, address)?;
            return Ok(slab.shape().size as usize);
        }
        self.back_end.size_at(address, entry)
    }

    /// Reports a free block that the program wrote to. What was behind it in its list is lost.
    #[cold]
    pub(super) fn report_overwritten(&self, call: Call, block: *mut Block) {
        let Incident { address, misuse, .. } = chains::overwritten(call, block);
        self.reporter.tell(call, address, misuse);
    }

    /// Returns what is wrong with an address that is in the heap's memory, and no block in use.
    pub(super) fn misuse_of(&self, address: usize) -> Option<Misuse> {
        let entry = page_map::entry(address);
        match Slab::of(entry) {
            Some((bin, slab)) => self.examine(bin, slab, address).err(),
            None => self.back_end.misuse_at(address, entry),
        }
    }
}
