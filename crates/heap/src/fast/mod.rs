//! The default heap: thread bins over slabs, remote frees in segments, runs, huge mappings.
//!
//! A thread's hit path touches its own heap, the page map and the block; no lock, no atomic read-modify-write, no call.
//! Everything else is in the slow paths: `small` for blocks with a size class, `sending` for other threads' blocks,
//! `registry` for thread heaps, `large` over [`crate::runs`] and [`crate::huge`].
//!
//! Lock order: registry, runs (in order), huge, arena, metadata. None is held while anything outside the heap is called.

mod footprint;
mod fork;
mod large;
mod limits;
mod purge;
mod registry;
mod sending;
mod small;
mod statistics;
mod thread_heap;

use crate::arena::Arena;
use crate::fork_locks::ForkLocks;
use crate::heap::{Heap, Stats};
use crate::huge::Huge;
use crate::metadata::Metadata;
use crate::misuse::{self, Call};
use crate::page_map::{self, Entry};
use crate::runs::Runs;
use crate::size_class::{self, class_of};
use crate::slab::{Block, Slab};
use core::sync::atomic::{AtomicBool, Ordering};
use registry::Registry;
use thread_heap::{Bin, ThreadHeap};
use xalloc_os::thread::{self, Phase};

/// What a user may want of the default heap.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// For how many milliseconds, at most, memory stays that nobody uses; for half as many at least.
    pub purge_delay: u64,
    /// Whether threads keep as little as they can.
    pub lean: bool,
}

impl Tuning {
    /// As it is without being told.
    pub const SPEED: Self = Self { purge_delay: 1000, lean: false };
    /// As little memory as can be had without another design.
    pub const LEAN: Self = Self { purge_delay: 100, lean: true };
}

/// The default heap. At most one in a process: it keeps each thread's heap behind the one TLS word.
pub struct FastHeap {
    arena: Arena,
    metadata: Metadata,
    runs: Runs,
    huge: Huge,
    registry: Registry,
    schedule: purge::Schedule,
    footprint: footprint::Footprint,
    lean: AtomicBool,
    fork_locks: ForkLocks,
}

impl FastHeap {
    /// An empty heap.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        Self {
            arena: Arena::new(),
            metadata: Metadata::new(),
            runs: Runs::new(),
            huge: Huge::new(),
            registry: Registry::new(),
            schedule: purge::Schedule::new(),
            footprint: footprint::Footprint::new(),
            lean: AtomicBool::new(false),
            fork_locks: ForkLocks::new(),
        }
    }

    /// Tunes the heap. Before the first allocation.
    pub fn tune(&self, tuning: Tuning) {
        self.schedule.set_delay(tuning.purge_delay);
        self.huge.tune(tuning.purge_delay, tuning.lean);
        // Relaxed: written before start-up ends, which orders it before every use.
        self.lean.store(tuning.lean, Ordering::Relaxed);
        if tuning.lean {
            self.arena.be_exact();
        }
    }

    /// Whether threads keep as little as they can. Looked at on slow paths only.
    fn is_lean(&self) -> bool {
        // Relaxed: see `tune`.
        self.lean.load(Ordering::Relaxed)
    }

    /// Calls `f` with the calling thread's heap; for a thread that has none, with one that it borrows for the call.
    /// `None` if there is no memory for one.
    fn with_heap<T>(&self, f: impl FnOnce(&'static ThreadHeap) -> T) -> Option<T> {
        if let Phase::Cached(heap) = Phase::current() {
            // SAFETY: a cache in the TLS word is this thread's heap.
            return Some(f(unsafe { &*heap.cast::<ThreadHeap>() }));
        }
        let heap = self.registry.adopt(&self.metadata)?;
        let result = f(heap);
        self.leave(heap);
        Some(result)
    }

    /// Leaves a heap to the next thread.
    fn leave(&self, heap: &'static ThreadHeap) {
        self.registry.orphan(heap);
        self.help_if_orphan(heap);
    }

    /// Frees a block of a slab, by whichever way its owner is reached.
    fn free_small(&self, bin: usize, slab: &'static Slab, block: *mut u8) {
        if !slab.is_block(block as usize) {
            return misuse::report(Call::Free, block as usize, NOT_A_BLOCK);
        }
        let block = block.cast::<Block>();
        let Phase::Cached(heap) = Phase::current() else { return self.free_without_heap(block) };
        // SAFETY: a cache in the TLS word is this thread's heap.
        let heap = unsafe { &*heap.cast::<ThreadHeap>() };
        if ThreadHeap::has_bin(heap, bin) {
            // SAFETY: a block of this heap.
            unsafe { self.push(bin, block) };
        } else {
            self.free_elsewhere(heap, slab, block);
        }
    }

    /// Puts a block of the calling thread's own heap at hand.
    ///
    /// # Safety
    /// `bin` is one of the calling thread's heap, as the page map has it for `block`, which the caller frees.
    #[inline(always)]
    unsafe fn push(&self, bin: usize, block: *mut Block) {
        // SAFETY: the caller's promise: the address is that of a bin.
        let list = unsafe { &*(bin as *const Bin) };
        // SAFETY: the block is free from here on.
        unsafe { (*block).next = list.head.get() };
        list.head.set(block);
        // Read twice, so that each use is one instruction on memory.
        // SAFETY: the heap is the calling thread's.
        if unsafe { list.room.own() } > 0 {
            list.room.set(list.room.get() - 1);
        } else {
            self.flush(bin);
        }
    }

    /// The usable size of a block, for `call`; 0 for what is none, which is reported.
    fn size_of(&self, block: *mut u8, call: Call) -> usize {
        let address = block as usize;
        self.size_at(address).unwrap_or_else(|| {
            misuse::report(call, address, self.describe(address));
            0
        })
    }

    /// The usable size of the block that starts at this address, if one does. Any address may be asked about.
    fn size_at(&self, address: usize) -> Option<usize> {
        match page_map::entry(address) {
            Entry::Slab(_, record) => {
                // SAFETY: a slab's record lives as long as the process.
                let slab = unsafe { &*record.cast::<Slab>() };
                slab.is_block(address).then(|| slab.shape().size as usize)
            }
            Entry::Runs(record) => self.runs.size_at(address, record),
            Entry::Huge(record) => self.huge.size_at(address, record),
            Entry::None => None,
        }
    }

    /// What there is at an address where no block starts.
    fn describe(&self, address: usize) -> &'static str {
        match page_map::entry(address) {
            Entry::Slab(..) => NOT_A_BLOCK,
            Entry::Runs(_) | Entry::Huge(_) => NOT_IN_USE,
            Entry::None => self.describe_unowned(address),
        }
    }

    /// Whether the address lies in memory of this heap where no block is, so that nobody else's can be there either.
    fn describe_unowned(&self, address: usize) -> &'static str {
        if self.arena.contains(address) { FREE_MEMORY } else { "not a block of this heap" }
    }
}

/// The bin and the usable size of a block in a slab of one slice that is the calling thread's own; `None` for others, and for
/// addresses where no block starts.
#[inline(always)]
fn own_block(block: *mut u8) -> Option<(usize, usize)> {
    let bin = page_map::bin(block as usize);
    if !ThreadHeap::has_bin(thread::word().cast(), bin) {
        return None;
    }
    // The bin's place in its page is the class. Of the slab only what follows from the address is looked at: where a slab of
    // one slice starts. That is enough to see an interior pointer.
    let class = size_class::TABLE.get(ThreadHeap::class_of_bin(bin))?;
    let is_block = class.slices == 1 && class.index(block as usize % size_class::SLICE).is_some();
    is_block.then_some((bin, class.size as usize))
}

const NOT_IN_USE: &str = "not the start of a block in use: an interior pointer, or freed before";
const NOT_A_BLOCK: &str = "not the start of a block: an interior pointer";
const FREE_MEMORY: &str = "in free memory of the heap: freed before";

// SAFETY: bins hold free blocks of slabs that the page map knows; slabs, runs and mappings are disjoint; a block leaves
// its list when it is handed out.
unsafe impl Heap for FastHeap {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        let heap = thread::word();
        let bin = if size <= thread_heap::SHORT_MAX {
            thread_heap::BIN_OF_SIZE[size] as usize
        } else if size <= size_class::MAX {
            class_of(size) * size_of::<Bin>()
        } else {
            return core::ptr::null_mut();
        };
        // SAFETY: the word is the address of a thread heap, or of zeros that read as empty bins.
        unsafe { (*heap.add(bin).cast::<Bin>()).pop() }
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        let bin = page_map::bin(block as usize);
        let heap = thread::word().cast::<ThreadHeap>();
        if !ThreadHeap::has_bin(heap, bin) {
            return false;
        }
        // SAFETY: a bin of the page map is in the word's page, so that page is a thread heap, not the zeros of a thread
        // without one; and the slice of the block, which the caller frees, belongs to it.
        unsafe { self.push(bin, block.cast()) };
        true
    }

    #[inline(always)]
    unsafe fn free_remote(&self, block: *mut u8) -> bool {
        let Entry::Slab(bin, record) = page_map::entry(block as usize) else { return false };
        // SAFETY: a slab's record lives as long as the process.
        self.free_small(bin, unsafe { &*record.cast::<Slab>() }, block);
        true
    }

    #[inline(always)]
    unsafe fn cached_fits(&self, block: *mut u8, size: usize) -> bool {
        let Some((_, usable)) = own_block(block) else { return false };
        size <= usable && size >= usable / 2 && size != 0
    }

    #[inline(always)]
    unsafe fn cached_move(&self, block: *mut u8, size: usize) -> *mut u8 {
        match own_block(block) {
            // SAFETY: the caller's promise, and the block was found to be one of this thread's.
            Some((bin, usable)) if size != 0 => unsafe { self.move_cached(bin, block, usable, size) },
            _ => core::ptr::null_mut(),
        }
    }

    #[inline]
    fn malloc(&self, size: usize) -> *mut u8 {
        if size > size_class::MAX {
            return self.malloc_large(size, 16, false).map_or(core::ptr::null_mut(), |block| block.start);
        }
        self.with_heap(|heap| self.malloc_class(heap, class_of(size))).unwrap_or(core::ptr::null_mut())
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        if align <= 16 {
            return self.malloc(size);
        }
        match size_class::class_of_aligned(align, size) {
            Some(class) => self.with_heap(|heap| self.malloc_class(heap, class)).unwrap_or(core::ptr::null_mut()),
            None => self.malloc_large(size, align, false).map_or(core::ptr::null_mut(), |block| block.start),
        }
    }

    unsafe fn free(&self, block: *mut u8) {
        let address = block as usize;
        match page_map::entry(address) {
            // SAFETY: a slab's record lives as long as the process.
            Entry::Slab(bin, record) => self.free_small(bin, unsafe { &*record.cast::<Slab>() }, block),
            Entry::Runs(record) => self.runs.free(address, record),
            Entry::Huge(record) => self.huge.free(address, record),
            Entry::None => misuse::report(Call::Free, address, self.describe_unowned(address)),
        }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> usize {
        self.size_of(block, Call::UsableSize)
    }

    fn owns(&self, block: *mut u8) -> bool {
        let address = block as usize;
        match page_map::entry(address) {
            Entry::None => self.arena.contains(address),
            Entry::Huge(record) => self.huge.contains(address, record),
            Entry::Slab(..) | Entry::Runs(_) => true,
        }
    }

    fn block_size(&self, address: usize) -> usize {
        self.size_at(address).unwrap_or(0)
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        let (block, zeroed) = if size > size_class::MAX {
            self.malloc_large(size, 16, true).map_or((core::ptr::null_mut(), true), |block| (block.start, block.zeroed))
        } else {
            (self.malloc(size), false)
        };
        if !block.is_null() && !zeroed {
            // SAFETY: a fresh block of at least `size` bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> *mut u8 {
        let old = self.size_of(block, Call::Realloc);
        if old == 0 {
            // Not a block, which was reported; its contents cannot be known.
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promise, and the block exists.
        unsafe { self.realloc_from(block, old, size) }
    }

    fn good_size(&self, size: usize) -> usize {
        match size {
            ..=size_class::MAX => size_class::TABLE[class_of(size)].size as usize,
            size => size.checked_next_multiple_of(crate::runs::PAGE).unwrap_or(size),
        }
    }

    fn trim(&self, keep: usize) -> bool {
        self.trim_all(keep)
    }

    fn stats(&self) -> Option<Stats> {
        Some(self.statistics())
    }

    fn thread_init(&self) {
        if let Some(heap) = self.registry.adopt(&self.metadata) {
            Phase::Cached(core::ptr::from_ref(heap).cast_mut().cast()).enter();
        }
    }

    fn thread_exit(&self) {
        let Phase::Cached(heap) = Phase::current() else { return };
        // SAFETY: a cache in the TLS word is this thread's heap.
        let heap = unsafe { &*heap.cast::<ThreadHeap>() };
        // First, so that a signal handler that allocates meanwhile finds no bins to take from.
        Phase::Plain.enter();
        {
            let _change = heap.change();
            self.send_all(heap);
            self.drain(heap);
            self.empty_bins(heap);
        }
        self.leave(heap);
        if self.is_lean() {
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
    }
}

#[cfg(test)]
mod tests;
