//! Freeing: into the thread's own bin, or on the way to whoever has the block's slab.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::Block;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::page_map;
use xalloc_blocks::remote_cache::Chain;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Misuse, Refusal};
use xalloc_os::thread::Phase;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Frees any block, or says why not.
    ///
    /// # Safety
    /// The caller frees the block, if it is one of this heap's.
    pub(super) unsafe fn free_block(&self, block: *mut u8) -> Result<(), Refusal> {
        let entry = page_map::entry(block as usize);
        match Slab::of(entry) {
            Some((owner, slab)) => self.free_small(owner, slab, block)?,
            None => self.released(self.back_end.free(block as usize, entry)?),
        }
        Ok(())
    }

    /// Frees a block of a slab, which has this owner in the page map.
    fn free_small(&self, owner: usize, slab: &'static Slab, block: *mut u8) -> Result<(), Misuse> {
        if !slab.looks_used(block as usize) {
            self.examine(owner, slab, block as usize)?;
        }
        let Phase::Cached(word) = Phase::current() else {
            self.deliver(Chain { slab, head: block.cast(), tail: block.cast(), count: 1 });
            return Ok(());
        };
        if ThreadLocalHeap::<N, T>::has_bin(word, owner) {
            // SAFETY: the page map has the bin, which is the calling thread's, for the block, which is in use, and the caller
            // frees it.
            unsafe { self.push(owner, block.cast()) };
            return Ok(());
        }
        // SAFETY: a cache in the TLS word is this thread's heap.
        let heap = unsafe { ThreadLocalHeap::<N, T>::of_word(word) };
        self.free_remote(heap, slab, block.cast())
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

    /// Makes a full bin's list the previous one; the blocks of the one before go back to their slabs.
    #[cold]
    #[inline(never)]
    fn flush(&self, bin: usize) {
        // SAFETY: the bin stands in the page map.
        let (heap, class) = unsafe { ThreadLocalHeap::<N, T>::of_bin(bin) };
        let _change = heap.change();
        let turned = heap.cache().turn(class);
        self.return_list(heap, class, turned.old);
        self.count_slow(heap, turned.count);
    }

    /// Frees a block of a slab that the calling thread does not have: it joins those that are collected for the same slab.
    fn free_remote(
        &self,
        heap: &'static ThreadLocalHeap<N, T>,
        slab: &'static Slab,
        block: *mut Block,
    ) -> Result<(), Misuse> {
        let _change = heap.change_remote_cache();
        if let Some(open) = heap.remote_cache().open(slab, block) {
            // SAFETY: the caller freed the block, which is the slab's.
            unsafe { open.add(block, self.key.get()) };
            return Ok(());
        }
        // SAFETY: as above.
        let Ok(due) = (unsafe { heap.remote_cache().add(slab, block, self.key.get()) }) else {
            return Err(Misuse::FreedBefore { size: slab.shape().size as usize });
        };
        if let Some(chain) = due.displaced {
            self.deliver(chain);
        }
        if let Some(chain) = due.full {
            let count = chain.count;
            self.deliver(chain);
            self.count_slow(heap, count);
        }
        Ok(())
    }
}
