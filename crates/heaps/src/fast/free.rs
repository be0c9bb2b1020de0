//! Freeing: the hit path, and then, for a block of a slab, the thread's own bin, or the batch that goes to the slab's owner.

use super::classes;
use super::heap::FastHeap;
use super::thread_heap::ThreadHeap;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::page_map::{self, Entry};
use xalloc_blocks::remote_cache::Due;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Misuse, Refusal};
use xalloc_os::thread::{self, Phase};

impl FastHeap {
    /// Frees a block if it is the calling thread's own and nothing looks wrong with it. Returns false if not, and nothing was
    /// done. The hit path.
    ///
    /// # Safety
    /// The caller frees the block, if it is one of this heap's.
    #[inline(always)]
    pub(super) unsafe fn push_own(&self, block: *mut u8) -> bool {
        let bin = page_map::bin(block as usize);
        if !ThreadHeap::has_bin(thread::word(), bin) {
            return false;
        }
        // SAFETY: a bin of the page map is in the word's page, so that page is a thread heap, not the zeros of a thread
        // without one; and the slice of the block, which the caller frees, belongs to it.
        unsafe {
            if !is_cacheable(bin, block) {
                return false;
            }
            self.push(bin, block.cast());
        }
        true
    }

    /// Frees any block, or says why not.
    ///
    /// # Safety
    /// The caller frees the block, if it is one of this heap's.
    #[inline(always)]
    pub(super) unsafe fn free_block(&self, block: *mut u8) -> Result<(), Refusal> {
        let entry = page_map::entry(block as usize);
        match Slab::of(entry) {
            Some((bin, slab)) if slab.looks_used(block as usize) => self.free_small(bin, slab, block.cast()),
            _ => self.free_examined(block, entry),
        }
    }

    /// Frees a block of a slab, which `bin` stands for in the page map: into the bin if it is the calling thread's, otherwise
    /// on its way to its owner. Most of those only join a batch that has begun: for them nothing is called, so that no register
    /// has to be saved.
    #[inline(always)]
    fn free_small(&self, bin: usize, slab: &'static Slab, block: *mut Block) -> Result<(), Refusal> {
        let Phase::Cached(word) = Phase::current() else {
            self.free_without_heap(slab, block);
            return Ok(());
        };
        if ThreadHeap::has_bin(word, bin) {
            // SAFETY: the page map has the bin, which is the calling thread's, for the block, which is in use, and the caller
            // frees it.
            unsafe { self.free_own(bin, block) };
            return Ok(());
        }
        // SAFETY: a cache in the TLS word is this thread's heap.
        let heap = unsafe { ThreadHeap::of_word(word) };
        let Some(open) = heap.remote_cache().open(slab, block) else {
            return self.begin_or_end_batch(heap, slab, block);
        };
        let _change = heap.change_remote_cache();
        // SAFETY: the caller freed the block, which is the slab's.
        unsafe { open.add(block, self.key.get()) };
        Ok(())
    }

    /// Frees what has this entry in the page map and is not obviously a block of a slab in use, or says what is wrong with it.
    #[inline(never)]
    fn free_examined(&self, block: *mut u8, entry: Entry) -> Result<(), Refusal> {
        let Some((bin, slab)) = Slab::of(entry) else { return self.free_large(block as usize, entry) };
        self.examine(bin, slab, block as usize)?;
        self.free_small(bin, slab, block.cast())
    }

    /// Caches a block of the calling thread's own heap.
    ///
    /// # Safety
    /// `bin` is one of the calling thread's heap, as the page map has it for `block`, which is in use, and which the caller
    /// frees.
    #[inline(always)]
    pub(super) unsafe fn push(&self, bin: usize, block: *mut Block) {
        // SAFETY: the caller's: the address is that of a bin of this thread's heap, and the block is free from here on.
        if !unsafe { (*(bin as *const Bin)).push(block, &self.key) } {
            self.flush(bin);
        }
    }

    /// Caches a block of the calling thread's own heap that did not take the hit path: its bin may be nudged.
    ///
    /// # Safety
    /// As [`FastHeap::push`].
    #[cold]
    #[inline(never)]
    unsafe fn free_own(&self, bin: usize, block: *mut Block) {
        // SAFETY: the caller's: the bin stands in the page map, and is the calling thread's.
        let (heap, class) = unsafe { ThreadHeap::of_bin(bin) };
        if heap.cache().bin(class).is_nudged() {
            let _change = heap.change();
            self.answer_nudge(heap);
        }
        // SAFETY: the bin is of the calling thread's heap, and the block, which the caller frees, is one of its class.
        unsafe { self.push(bin, block) };
    }

    /// Frees a block of another heap's slab that is the first or the last one of a batch, or that was the last one freed, which
    /// is a mistake.
    #[inline(never)]
    fn begin_or_end_batch(
        &self,
        heap: &'static ThreadHeap,
        slab: &'static Slab,
        block: *mut Block,
    ) -> Result<(), Refusal> {
        let _change = heap.change_remote_cache();
        // SAFETY: the caller freed the block.
        let Ok(Due { displaced, full }) = (unsafe { heap.remote_cache().add(slab, block, self.key.get()) }) else {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize }.into());
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

    /// Makes the list of a bin that has one block more than there is room for the previous list; the blocks of the one before
    /// go back to their slabs.
    #[cold]
    #[inline(never)]
    fn flush(&self, bin: usize) {
        // SAFETY: the caller found the bin in the page map.
        let (heap, class) = unsafe { ThreadHeap::of_bin(bin) };
        let _change = heap.change();
        let turned = heap.cache().turn(class);
        self.return_list(heap, class, turned.old);
        self.count_slow(heap, turned.count);
    }
}

/// Returns the bin and the usable size of a block in use that is the calling thread's own; `None` for others, for addresses
/// where no block starts, and for blocks that look free.
#[inline(always)]
pub fn own_block(block: *mut u8) -> Option<(usize, usize)> {
    let bin = page_map::bin(block as usize);
    if !ThreadHeap::has_bin(thread::word(), bin) {
        return None;
    }
    // SAFETY: the page map has one of this thread's bins for the address.
    if !unsafe { is_cacheable(bin, block) } {
        return None;
    }
    Some((bin, classes::TABLE.get(ThreadHeap::class_of_bin(bin))?.size as usize))
}

/// Returns whether the address is where a block may start, and does not look free. Otherwise it must be examined.
///
/// # Safety
/// `bin` is one of the calling thread's heap, as the page map has it for the address.
#[inline(always)]
pub unsafe fn is_cacheable(bin: usize, block: *mut u8) -> bool {
    // SAFETY: the caller's: a bin of this thread's heap, and so memory of a slab, of which an aligned address has two words.
    unsafe { (*(bin as *const Bin)).is_start(block as usize) && !Block::looks_free(block.cast()) }
}
