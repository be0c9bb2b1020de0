//! The default heap: thread caches over slabs, batched remote frees, runs, huge mappings.
//!
//! A thread's hit path touches its own cache, the page map and the block; no lock, no atomic read-modify-write, no call. Each
//! file uses only files further down in this list, the methods of [`FastHeap`] that it calls included:
//!
//! * `mod`: the contract.
//! * `small_or_large`: what the contract is made of.
//! * `realloc`, `malloc`, `free`: the functions of the contract, from their hit paths down.
//! * `large`: blocks that have no size class.
//! * `statistics` (with trim), `thread_life`, `fork`.
//! * `reclaim`: what happens when the kernel refuses memory.
//! * `poll`, `purge`: what threads do now and then.
//! * `sending`, `release`: blocks on their way to other heaps, to their slabs, and slabs to the arena.
//! * `accounting`: how much is held. `examine`: what is wrong with a pointer.
//! * `heap`, `thread_heap`, `ticking`, `classes`: the heap's parts, a thread's, and the size classes.
//!
//! Lock order: access to heaps, registry, runs (in order), huge, arena, metadata. No foreign code is called under one.

mod accounting;
mod classes;
mod examine;
mod fork;
mod free;
mod heap;
mod large;
mod malloc;
mod poll;
mod purge;
mod realloc;
mod reclaim;
mod release;
mod sending;
mod small_or_large;
mod statistics;
mod thread_heap;
mod thread_life;
mod ticking;

pub use heap::{FastHeap, Tuning};

use free::own_block;
use thread_heap::ThreadHeap;
use xalloc_blocks::free_list::Key;
use xalloc_blocks::page_map;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::small_or_large::SmallOrLarge;
use xalloc_heap::{Heap, Inspected, Misuse, Refusal, Report, Stats};
use xalloc_os::random;
use xalloc_os::thread::{self, Phase};

// SAFETY: bins hold free blocks of slabs that the page map knows; slabs, runs and mappings are disjoint; a block leaves
// its list when it is handed out.
unsafe impl Heap for FastHeap {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        self.pop_of_size(size)
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        // SAFETY: the caller's, as the contract has it: it frees the block.
        unsafe { self.push_own(block) }
    }

    #[inline(always)]
    unsafe fn cached_fits(&self, block: *mut u8, size: usize) -> bool {
        let Some((_, usable)) = own_block(block) else { return false };
        size <= usable && size >= usable / 2 && size != 0
    }

    #[inline(always)]
    unsafe fn cached_move(&self, block: *mut u8, size: usize) -> *mut u8 {
        match own_block(block) {
            // SAFETY: the block is in use, and was found to be one of this thread's.
            Some((bin, usable)) if size != 0 => unsafe { self.move_cached(bin, block, usable, size) },
            _ => core::ptr::null_mut(),
        }
    }

    #[inline]
    fn malloc(&self, size: usize) -> *mut u8 {
        self.allocate(size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.allocate_aligned(align, size)
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        // SAFETY: the caller's, as the contract has it: it frees the block.
        unsafe { self.free_block(block) }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        self.size_at(block as usize)
    }

    fn block_size(&self, address: usize) -> usize {
        self.size_at(address).unwrap_or(0)
    }

    #[inline]
    unsafe fn inspect(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        if let Some((_, usable)) = own_block(block) {
            return Ok(Inspected { usable, is_own: true });
        }
        let usable = self.size_at(block as usize)?;
        let slab = Slab::of(page_map::entry(block as usize));
        Ok(Inspected { usable, is_own: slab.is_none_or(|(bin, _)| ThreadHeap::has_bin(thread::word(), bin)) })
    }

    #[inline]
    unsafe fn free_inspected(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        if let Some((bin, usable)) = own_block(block) {
            // SAFETY: the bin is the calling thread's, and the block, which is in use, belongs in it; the caller frees it.
            unsafe { self.push(bin, block.cast()) };
            return Ok(Inspected { usable, is_own: true });
        }
        // SAFETY: passed on.
        unsafe {
            let found = self.inspect(block)?;
            self.free_block(block)?;
            Ok(found)
        }
    }

    #[inline]
    unsafe fn fresh_size(&self, block: *mut u8, size: usize) -> usize {
        if size <= classes::MAX {
            return classes::TABLE[classes::class_of(size)].size as usize;
        }
        self.size_at(block as usize).unwrap_or(size)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.misuse_of(address)
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        self.allocate_zeroed(size)
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        // SAFETY: the caller's, as the contract has it.
        unsafe { self.resize(block, size) }
    }

    fn good_size(&self, size: usize) -> usize {
        self.size_for(size)
    }

    fn trim(&self, keep: usize) -> bool {
        self.trim_all(keep)
    }

    fn stats(&self) -> Option<Stats> {
        Some(self.statistics())
    }

    fn has_surplus(&self) -> bool {
        self.surplus.is_there()
    }

    fn purge_in_background(&self) {
        self.purge_until_ended();
    }

    fn end_background(&self) {
        self.surplus.work().end();
    }

    fn init(&self, report: Report) {
        self.reporter.set(report);
        // SAFETY: nothing was allocated yet.
        unsafe { self.key.set(Key::new(random::secret())) };
    }

    fn thread_init(&self) {
        if let Some(heap) = self.adopt() {
            Phase::Cached(core::ptr::from_ref(heap).cast_mut().cast()).enter();
        }
    }

    fn thread_exit(&self) {
        let has_heap = ThreadHeap::own().is_some();
        self.end_thread();
        if has_heap && self.is_lean() {
            self.trim_all(0);
        }
    }

    fn prefork(&self) {
        self.lock_for_fork();
    }

    fn postfork_parent(&self) {
        self.unlock_after_fork();
    }

    fn postfork_child(&self) {
        self.unlock_in_child();
        self.settle_after_fork();
        self.surplus.work().settle_after_fork();
    }
}

#[cfg(test)]
mod tests;
