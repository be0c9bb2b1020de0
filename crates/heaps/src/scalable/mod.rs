//! A heap that scales with threads, made of a table of size classes: metamalloc's `ScalableAllocator`, without its limits.
//!
//! Each thread has a heap of its own (front end): a cache over slabs, with a queue for what other threads free of them. A
//! central heap (middle end) has the slabs that no thread has: those of threads that have ended, and empty ones. The back end
//! has what is larger than the largest class, and the address space.
//!
//! [`size_classes!`](crate::size_classes) makes a table from sizes, [`ClassHeap`] a heap of it under a [policy](policy),
//! [`Scalable`] the whole:
//!
//! ```
//! use xalloc_heaps::scalable::{Central, ClassHeap, OsLock, Scalable, ThreadLocal};
//!
//! xalloc_heaps::size_classes! { pub Sizes: [32, 48, 96, 160, 320, 640, 1024]; waste 1 / 2 }
//! type Of<P> = ClassHeap<{ Sizes::N }, Sizes, P>;
//! type Tailored = Scalable<Of<Central<OsLock>>, Of<ThreadLocal>>;
//! static HEAP: Tailored = Tailored::new();
//! ```
//!
//! This file has the hit paths and the contract; the other files the slow paths, of which each calls only those further down:
//! `special`, `small_or_large`, `malloc`, `free`, `large`, `statistics`, `thread_life`, `poll`, `recycle`, `sending`,
//! `examine`; `heap` has the parts.
//!
//! Lock order: access to heaps, registry, runs (in order), huge, arena, metadata; central lists, under which nothing is locked.

mod central;
pub mod classes;
mod examine;
mod free;
mod heap;
mod large;
mod malloc;
pub mod policy;
mod poll;
mod recycle;
mod sending;
mod single;
mod small_or_large;
mod special;
mod statistics;
mod thread_life;
mod thread_local;

pub use central::CentralHeap;
pub use classes::SizeClasses;
pub use heap::{Scalable, Tuning};
pub use policy::{Central, ClassHeap, Concurrency, SingleThread, ThreadLocal};
pub use single::SingleHeap;
pub use special::SpecialHeap;
pub use thread_local::ThreadLocalHeap;
pub use xalloc_blocks::lock_policy::{LockPolicy, NoLock, OsLock, Spin, SpinPadded};
pub use xalloc_blocks::recycling::Recycling;

use core::ptr::null_mut;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::{Block, Key};
use xalloc_blocks::page_map;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::small_or_large::SmallOrLarge;
use xalloc_heap::{Heap, Inspected, Misuse, Refusal, Report, Stats};
use xalloc_os::random;
use xalloc_os::thread;

// SAFETY: bins hold free blocks of slabs that the page map knows; slabs, runs and mappings are disjoint; a block leaves its
// list when it is handed out.
unsafe impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Heap
    for Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>>
{
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        if size > T::MAX {
            return null_mut();
        }
        // SAFETY: the word is the address of a thread's heap, or of zeros that read as empty bins.
        unsafe { (*thread::word().cast::<Bin>().add(T::class_of(size))).pop(&self.key) }
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        let bin = page_map::bin(block as usize);
        if !ThreadLocalHeap::<N, T>::has_bin(thread::word(), bin) {
            return false;
        }
        // SAFETY: a bin of the page map is in the word's heap, so that is a thread's heap, not the zeros of a thread without
        // one; and the slice of the block, which the caller frees, belongs to it.
        unsafe {
            if !(*(bin as *const Bin)).is_start(block as usize) || Block::looks_free(block.cast()) {
                return false;
            }
            self.push(bin, block.cast());
        }
        true
    }

    #[inline]
    fn malloc(&self, size: usize) -> *mut u8 {
        self.allocate(size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.allocate_aligned(align, size)
    }

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

    unsafe fn inspect(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        let usable = self.size_at(block as usize)?;
        let slab = Slab::of(page_map::entry(block as usize));
        let is_own = slab.is_none_or(|(owner, _)| ThreadLocalHeap::<N, T>::has_bin(thread::word(), owner));
        Ok(Inspected { usable, is_own })
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

    fn init(&self, report: Report) {
        self.reporter.set(report);
        // SAFETY: nothing was allocated yet.
        unsafe { self.key.set(Key::new(random::secret())) };
        self.make_heaps(self.tuning.get().thread_cache_count);
    }

    fn thread_init(&self) {
        if let Some(heap) = self.adopt() {
            self.enter(heap);
        }
    }

    fn thread_exit(&self) {
        self.end_thread();
    }

    fn prefork(&self) {
        self.lock_for_fork();
    }

    fn postfork_parent(&self) {
        self.unlock_after_fork(false);
    }

    fn postfork_child(&self) {
        self.unlock_after_fork(true);
        self.registry.settle_after_fork(ThreadLocalHeap::<N, T>::own());
        self.forks.set(self.forks.get().wrapping_add(1));
    }
}

#[cfg(test)]
mod tests;
