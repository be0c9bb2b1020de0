//! Telling what is wrong with a pointer: above all, whether a block is free already.
//!
//! A block that looks free is looked for in every list where it may be. That is slow, and happens only when a program frees a
//! block twice, or has written the mark of a free block into one of its own.

use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::batch::{self, Batch};
use xalloc_blocks::free_list::Block;
use xalloc_blocks::page_map;
use xalloc_blocks::slab::{self, Slab};
use xalloc_blocks::{huge, runs};
use xalloc_heap::{Call, Misuse, Refusal};

/// No list of free blocks is longer: a bin's may have all blocks of a slab and as many more as the limits allow.
const LONGEST_LIST: usize = 1 << 15;
/// How often is looked, at the most, while threads move blocks, and for how long is waited in between.
const LOOKS: usize = 64;
const PAUSE: usize = 1000;
/// So many batches are looked at.
const MOST_BATCHES: usize = 1 << 20;

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
        let bin = owner.cache().bin(class);
        let mut heaps = self.registry.all();
        self.arena.while_mapped(|| {
            // In the order in which blocks move on. A bin's go back to their slab, and its previous list becomes its list.
            heaps.any(|heap| self.is_collected(heap, slab, block))
                || self.is_sent(owner, block)
                || self.list_has(slab.free_head(), LONGEST_LIST, block)
                || self.list_has(bin.previous(), LONGEST_LIST, block)
                || self.list_has(bin.head(), LONGEST_LIST, block)
                || self.list_has(owner.rations().bin(class).head(), LONGEST_LIST, block)
                || self.list_has(bin.previous(), LONGEST_LIST, block)
                || self.list_has(slab.free_head(), LONGEST_LIST, block)
        })
    }

    /// Returns whether the block is among those that `heap` has collected for the slab's owner.
    fn is_collected(&self, heap: &ThreadHeap, slab: &Slab, block: *const Block) -> bool {
        self.list_has(heap.remote_cache().last_of(slab), batch::MOST, block)
    }

    /// Returns whether the block waits for its owner.
    fn is_sent(&self, owner: &ThreadHeap, block: *const Block) -> bool {
        let mut batch = owner.remote().peek();
        for _ in 0..MOST_BATCHES {
            let Some((_, slab)) = Slab::of(page_map::entry(batch as usize)) else { return false };
            // SAFETY: memory of a slab, which stays mapped: see `is_in_a_list`.
            let Some(contents) = (unsafe { Batch::contents(batch, self.key.get()) }) else { return false };
            if self.list_has(contents.first(slab), contents.count, block) {
                return true;
            }
            batch = contents.link;
        }
        false
    }

    /// Returns whether the block is among the first `most` of the list that begins with `head`, as far as the list can be
    /// followed: the thread that it belongs to may be changing it.
    fn list_has(&self, head: *mut Block, most: usize, block: *const Block) -> bool {
        let mut link = head;
        for _ in 0..most {
            if core::ptr::eq(link, block) {
                return true;
            }
            if page_map::entry(link as usize).kind() != slab::KIND {
                return false;
            }
            // SAFETY: memory of a slab, which stays mapped: see `is_in_a_list`.
            match unsafe { Block::peek_next(link, self.key.get()) } {
                Some(next) => link = next,
                None => return false,
            }
        }
        false
    }

    /// Returns the usable size of the block in use that starts at this address. Any address may be asked about.
    pub(super) fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        if let Some((bin, slab)) = Slab::of(entry) {
            self.examine(bin, slab, address)?;
            return Ok(slab.shape().size as usize);
        }
        match entry.kind() {
            runs::KIND => {
                let size = self.runs.size_at(address, entry);
                size.ok_or_else(|| self.runs.misuse_at(address, entry).into())
            }
            huge::KIND => self.huge.size_at(address, entry).ok_or_else(|| self.huge.refusal_at(address, entry)),
            _ => Err(self.refuse_unknown(address)),
        }
    }

    /// Returns what an address is that the page map has nothing for.
    pub(super) fn refuse_unknown(&self, address: usize) -> Refusal {
        if self.arena.contains(address) { Misuse::FreeMemory.into() } else { Refusal::NotMine }
    }

    /// Reports a free block that the program wrote to. What was behind it in its list is lost.
    #[cold]
    pub(super) fn report_overwritten(&self, call: Call, block: *mut Block) {
        let slab = Slab::of(page_map::entry(block as usize));
        let size = slab.map_or(0, |(_, slab)| slab.shape().size as usize);
        self.reporter.tell(call, block as usize, Misuse::Overwritten { size });
    }

    /// Returns what is wrong with an address that is in the heap's memory, and no block in use.
    pub(super) fn misuse_of(&self, address: usize) -> Option<Misuse> {
        match self.size_at(address) {
            Ok(_) => None,
            Err(Refusal::Misuse(misuse)) => Some(misuse),
            // Of a huge block, only the first slice is in the page map.
            Err(Refusal::NotMine) => self.huge.misuse_at(address),
        }
    }
}
