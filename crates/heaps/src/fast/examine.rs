//! Telling what is wrong with a pointer: above all, whether a block is free already.
//!
//! A block that looks free is looked for in every list where it may be. That is slow, and happens only when a program frees a
//! block twice, or has written the mark of a free block into one of its own.

use super::heap::FastHeap;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_blocks::chains;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::search::Search;
use xalloc_blocks::slab::{self, Slab};
use xalloc_heap::{Call, Incident, Misuse};

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
        // SAFETY: a block starts there, as was just found; `is_in_a_list` looks while no slice is unmapped.
        let search = unsafe { Search::new(address, slab, slab::KIND, self.key.get()) };
        if search.is_free(&self.registry, |search| self.is_in_a_list(bin, search)) {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        }
        Ok(())
    }

    /// Returns whether the block is in any list of free blocks.
    fn is_in_a_list(&self, bin: usize, search: &Search) -> bool {
        // SAFETY: the bin stands in the page map.
        let (owner, class) = unsafe { ThreadHeap::of_bin(bin) };
        let mut heaps = self.registry.all();
        self.back_end.arena.while_mapped(|| {
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

    /// Reports a free block that the program wrote to. What was behind it in its list is lost.
    #[cold]
    pub(super) fn report_overwritten(&self, call: Call, block: *mut Block) {
        let Incident { address, misuse, .. } = chains::overwritten(call, block);
        self.reporter.tell(call, address, misuse);
    }
}
