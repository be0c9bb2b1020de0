//! Thread caches over slabs: from the slabs to a thread's cache, and back.

use super::classes::{CLASSES, TABLE};
use super::parts::{Cache, CachedHeap};
use core::ptr::null_mut;
use xalloc_blocks::back_end::BlockKind;
use xalloc_blocks::central_list::CentralList;
use xalloc_blocks::chains;
use xalloc_blocks::free_list::{Block, List};
use xalloc_blocks::lock_policy::OsLock;
use xalloc_blocks::page_map;
use xalloc_blocks::slab::Slab;
use xalloc_heap::Call;

/// How many slabs of a class stay although no block of them is used.
const KEEP: usize = 1;

impl CachedHeap {
    /// Returns the class of the slab that an address lies in, if it is a slab of this heap's: its owner is a central list.
    #[inline(always)]
    pub(super) fn class_at(&self, address: usize) -> Option<usize> {
        let offset = page_map::bin(address).wrapping_sub(self.central[0].owner());
        let class = offset / size_of::<CentralList<OsLock>>();
        (class < CLASSES).then_some(class)
    }

    /// Returns a block of `class` by way of the cache. Null if there is no memory.
    pub(super) fn malloc_from(&self, cache: &'static Cache, class: usize) -> *mut u8 {
        let _change = cache.change();
        let bin = cache.cache().bin(class);
        loop {
            let block = bin.pop(&self.key);
            if !block.is_null() {
                return block;
            }
            // If there is a first block, the program wrote to it after it was freed: nobody knows what was behind it.
            let lost = cache.cache().take(class).head;
            if !lost.is_null() {
                self.reporter.tell_of(chains::overwritten(Call::Malloc, lost));
            }
            if !self.fill(cache, class) {
                return null_mut();
            }
        }
    }

    /// Puts blocks of `class` into the bin, which is empty. Returns false if there is no memory.
    fn fill(&self, cache: &'static Cache, class: usize) -> bool {
        if cache.cache().refill_from_previous(class) {
            return true;
        }
        let Some(list) = self.take_blocks(class) else { return false };
        // SAFETY: blocks of the class that were just taken; the bin is empty.
        unsafe { cache.cache().refill(class, list) };
        true
    }

    /// Takes blocks of `class` from its slabs, of which a new one is made if need be. `None` if there is no memory.
    fn take_blocks(&self, class: usize) -> Option<List> {
        let central = &self.central[class];
        loop {
            if let Some(list) = central.take_blocks(self.key.get()) {
                return Some(list);
            }
            let slab = self.with_reclaim(|| self.back_end.take_slab(&TABLE[class], false))?;
            self.back_end.grew(BlockKind::Slab, slab.bytes(), false);
            // Whatever is empty: blocks of it are wanted. If other threads take them all first, there is another round.
            // SAFETY: a fresh slab of the class, which is in no list. The heap is a static, and so the list stays where it is.
            unsafe { central.add(slab, usize::MAX) };
        }
    }

    /// Puts a block of `class` into the cache.
    ///
    /// # Safety
    /// The cache is the calling thread's. So is the block, which lies in a slab of the class, and is free from here on.
    #[inline(always)]
    pub(super) unsafe fn push(&self, cache: &'static Cache, class: usize, block: *mut Block) {
        // SAFETY: the bin is the calling thread's, and so is the block, which is of the bin's class, and free.
        if !unsafe { cache.cache().bin(class).push(block, &self.key) } {
            self.flush(cache, class);
        }
    }

    /// Makes a list that is full the previous one; the blocks of the one before go back to their slabs.
    #[cold]
    #[inline(never)]
    fn flush(&self, cache: &'static Cache, class: usize) {
        let _change = cache.change();
        self.return_list(class, cache.cache().turn(class).old);
    }

    /// Puts everything in a cache into the slabs.
    pub(super) fn empty(&self, cache: &'static Cache) {
        let _change = cache.change();
        for class in 1..CLASSES {
            self.return_list(class, cache.cache().take(class));
            self.return_list(class, cache.cache().take_previous(class));
        }
    }

    /// Puts free blocks of `class` into their slabs. Slabs that are empty then go to the back end, but for [`KEEP`].
    pub(super) fn return_list(&self, class: usize, list: List) {
        let close = |slab| self.close(slab);
        // SAFETY: a list of free blocks, which was cached.
        let given = unsafe { self.central[class].give_all(list, &TABLE[class], KEEP, self.key.get(), close) };
        if let Err(incident) = given {
            self.reporter.tell_of(incident);
        }
    }

    /// Gives an empty slab, which is in no list any more, to the back end.
    pub(super) fn close(&self, slab: &Slab) {
        // SAFETY: nobody has the slab, or a block of it.
        unsafe { self.back_end.give_slab(slab) };
    }

    /// Purges what is unused but for about `keep` bytes: also what this thread has cached, and slabs that are empty. Returns
    /// whether anything was.
    pub(super) fn trim_all(&self, keep: usize) -> bool {
        if let Some(cache) = Cache::own() {
            self.empty(cache);
        }
        for list in &self.central {
            while let Some(slab) = list.take_empty() {
                self.close(slab);
            }
        }
        self.back_end.trim(keep)
    }

    /// Returns what `attempt` returns; if the kernel refuses memory, it is called once more after all unused memory was purged.
    pub(super) fn with_reclaim<T>(&self, attempt: impl Fn() -> Option<T>) -> Option<T> {
        attempt().or_else(|| {
            self.trim_all(0);
            attempt()
        })
    }
}
