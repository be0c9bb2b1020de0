//! A heap with a cache for each thread, made of the blocks of `xalloc-blocks`. This file has the hit paths and the contract, `small` the
//! thread caches over slabs, `parts` and `classes` what these are made of.
//!
//! Front end: each thread has a cache, a list of free blocks for each size class. `malloc` takes from it, and `free` gives to it,
//! whichever thread has allocated the block. Middle end: the central list of each class, under a lock, has the slabs that caches are
//! filled from and emptied to. Back end: address space for slabs, and whatever is larger than all classes.

mod classes;
mod parts;
mod small;

pub use parts::CachedHeap;

use classes::{TABLE, class_of};
use core::ptr::{from_ref, null_mut};
use parts::Cache;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::central_list::CentralList;
use xalloc_blocks::free_list::{Block, Key, List};
use xalloc_blocks::page_map;
use xalloc_blocks::size_class;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Heap, Misuse, Refusal, Report, Stats};
use xalloc_os::thread::{self, Phase};
use xalloc_os::{Lock, random};

impl CachedHeap {
    /// Returns a block of `class`, from the calling thread's cache or, if it has ended, from one that it borrows.
    fn malloc_small(&self, class: usize) -> *mut u8 {
        if let Some(cache) = Cache::own() {
            return self.malloc_from(cache, class);
        }
        let Some(cache) = self.adopt() else { return null_mut() };
        let block = self.malloc_from(cache, class);
        self.leave(cache);
        block
    }

    /// Returns a block of whole pages. Null if there is no memory.
    fn malloc_large(&self, align: usize, size: usize) -> *mut u8 {
        let allocate = || self.back_end.allocate(size, align, false);
        let Some((kind, block)) = self.with_reclaim(allocate) else { return null_mut() };
        self.back_end.grew(kind, size, false);
        block.start
    }

    /// Returns the usable size of the block in use at this address, or what there is instead.
    fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        let Some((_, slab)) = Slab::of(entry) else { return self.back_end.size_at(address, entry) };
        Ok(slab.used_at(address, self.key.get())?)
    }

    /// Returns a cache for the calling thread: one that another thread left, or a new one. `None` if there is no memory.
    fn adopt(&self) -> Option<&'static Cache> {
        // SAFETY: nothing is kept of a cache beside the rest.
        let create = || unsafe { Cache::create_in(&self.back_end.metadata, &TABLE) };
        let cache = self.with_reclaim(|| self.caches.adopt(create))?;
        cache.recount(self.key.get());
        Some(cache)
    }

    /// Leaves a cache to the next thread, with nothing in it.
    fn leave(&self, cache: &'static Cache) {
        self.empty(cache);
        self.caches.abandon(cache);
    }

    /// Returns all locks, in the order in which they nest.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        let central = self.central.iter().map(CentralList::lock);
        [self.caches.lock()].into_iter().chain(self.back_end.locks()).chain(central)
    }
}

// SAFETY: slabs, runs and mappings are disjoint; a block is in one list, and leaves it when it is handed out.
unsafe impl Heap for CachedHeap {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        if size > classes::MAX {
            return null_mut();
        }
        // SAFETY: the word is the address of a thread's cache, or of zeros, which read as empty bins.
        unsafe { (*thread::word().cast::<Bin>().add(class_of(size))).pop(&self.key) }
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        let (Some(class), Some(cache)) = (self.class_at(block as usize), Cache::own()) else { return false };
        // SAFETY: the bin is the calling thread's, and the block lies in a slab of its class.
        let is_sound = unsafe { cache.cache().bin(class).is_start(block as usize) && !Block::looks_free(block.cast()) };
        if is_sound {
            // SAFETY: as above; the caller frees the block.
            unsafe { self.push(cache, class, block.cast()) };
        }
        is_sound
    }

    fn malloc(&self, size: usize) -> *mut u8 {
        if size > classes::MAX { self.malloc_large(16, size) } else { self.malloc_small(class_of(size)) }
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        match size_class::aligned(&TABLE, class_of, align, size) {
            Some(class) => self.malloc_small(class),
            None => self.malloc_large(align, size),
        }
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        let entry = page_map::entry(block as usize);
        let Some((_, slab)) = Slab::of(entry) else { return self.back_end.free(block as usize, entry).map(drop) };
        slab.used_at(block as usize, self.key.get())?;
        let (class, head) = (slab.class(), block.cast::<Block>());
        // SAFETY: a block in use, which the caller frees.
        unsafe {
            match Cache::own() {
                Some(cache) => self.push(cache, class, head),
                None => {
                    Block::set_next(head, null_mut(), self.key.get());
                    self.return_list(class, List { head, count: 1 });
                }
            }
        }
        Ok(())
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        self.size_at(block as usize)
    }

    fn block_size(&self, address: usize) -> usize {
        self.size_at(address).unwrap_or(0)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.back_end.misuse_at(address, page_map::entry(address))
    }

    fn trim(&self, keep: usize) -> bool {
        self.trim_all(keep)
    }

    fn stats(&self) -> Option<Stats> {
        Some(self.back_end.stats(self.caches.all().map(|cache| cache.cache().all_cached(&TABLE)).sum()))
    }

    fn init(&self, report: Report) {
        self.reporter.set(report);
        // SAFETY: nothing was allocated yet.
        unsafe { self.key.set(Key::new(random::secret())) };
    }

    fn thread_init(&self) {
        if let Some(cache) = self.adopt() {
            Phase::Cached(from_ref(cache).cast_mut().cast()).enter();
        }
    }

    fn thread_exit(&self) {
        if let Some(cache) = Cache::own() {
            // First, so that a signal handler that allocates meanwhile finds no cache.
            Phase::Plain.enter();
            self.leave(cache);
        }
    }

    fn prefork(&self) {
        self.fork_locks.acquire(self.locks());
    }

    fn postfork_parent(&self) {
        self.fork_locks.release_in_parent(self.locks());
    }

    fn postfork_child(&self) {
        self.fork_locks.release_in_child(self.locks());
        self.caches.settle_after_fork(Cache::own());
    }
}
