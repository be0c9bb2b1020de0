//! The default heap: thread bins over slabs, remote frees in segments, runs, huge mappings.
//!
//! A thread's hit path touches its own heap, the page map and the block; no lock, no atomic read-modify-write, no call.
//! Everything else is in the slow paths: `small` for blocks with a size class, `sending` for other threads' blocks,
//! `registry` for thread heaps, `large` over [`xalloc_blocks::runs`] and [`xalloc_blocks::huge`].
//!
//! Lock order: access to heaps, registry, runs (in order), huge, arena, metadata. No foreign code is called under one.

mod background;
mod classes;
mod double_free;
mod footprint;
mod fork;
mod freeing;
mod helping;
mod large;
mod malloc;
mod poll;
mod purge;
mod reclaim;
mod registry;
mod release;
mod sending;
mod statistics;
mod surplus;
mod thread_heap;
mod ticking;

use classes::class_of;
use core::sync::atomic::{AtomicBool, Ordering};
use freeing::{is_cacheable, own_block};
use registry::Registry;
use release::Retain;
use thread_heap::ThreadHeap;
use xalloc_blocks::arena::Arena;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::{Key, KeyCell};
use xalloc_blocks::huge::{self, Huge};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::{self, Entry};
use xalloc_blocks::reporter::Reporter;
use xalloc_blocks::runs::{self, Runs};
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Heap, Misuse, Refusal, Report, Stats};
use xalloc_os::random;
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
    surplus: surplus::Surplus,
    lean: AtomicBool,
    /// What the links of free blocks are encoded with.
    key: KeyCell,
    fork_locks: ForkLocks,
    reporter: Reporter,
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
            surplus: surplus::Surplus::new(),
            lean: AtomicBool::new(false),
            key: KeyCell::new(Key::new(0)),
            fork_locks: ForkLocks::new(),
            reporter: Reporter::new(),
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
        if let Some(heap) = ThreadHeap::own() {
            return Some(f(heap));
        }
        let heap = self.adopt()?;
        let result = f(heap);
        self.leave(heap);
        Some(result)
    }

    /// A heap for the calling thread, which has none. `None` if there is no memory for one.
    fn adopt(&self) -> Option<&'static ThreadHeap> {
        let heap = self.reclaiming_all(|| self.registry.adopt(&self.metadata, self.key.get()))?;
        if heap.ticking.is_on() {
            // Its last thread vanished in a fork.
            let _change = heap.change();
            self.stop_ticking(heap);
        }
        Some(heap)
    }

    /// Leaves a heap to the next thread.
    fn leave(&self, heap: &'static ThreadHeap) {
        self.registry.abandon(heap);
        // Senders that came before saw an owner.
        if !heap.remote().is_empty_after_change() {
            self.help(heap);
        }
    }

    /// The usable size of the block in use that starts at this address. Any address may be asked about.
    fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        if let Some((bin, slab)) = Slab::of(entry) {
            self.examine(bin, slab, address)?;
            return Ok(slab.shape().size as usize);
        }
        let record = entry.record;
        match entry.kind {
            runs::KIND => {
                let size = self.runs.size_at(address, record);
                size.ok_or_else(|| self.runs.misuse_at(address, record).into())
            }
            huge::KIND => self.huge.size_at(address, record).ok_or_else(|| self.refuse_huge(address, record)),
            _ => Err(self.refuse_unknown(address)),
        }
    }

    /// Takes a run or a huge block back, or says what there is at the address.
    #[cold]
    #[inline(never)]
    fn free_large(&self, address: usize, entry: Entry) -> Result<(), Refusal> {
        let record = entry.record;
        let bytes = match entry.kind {
            runs::KIND => self.runs.free(address, record)?,
            huge::KIND => self.huge.free(address, record).map_err(|_| self.refuse_huge(address, record))?,
            _ => return Err(self.refuse_unknown(address)),
        };
        self.freed_large(bytes);
        Ok(())
    }

    /// What an address is that lies in the first slice of a huge block, and is not its start: the rest of that slice may be anybody's.
    fn refuse_huge(&self, address: usize, record: *mut u8) -> Refusal {
        if self.huge.contains(address, record) { self.huge.misuse_at(address, record).into() } else { Refusal::NotMine }
    }

    /// What an address is that the page map has nothing for.
    fn refuse_unknown(&self, address: usize) -> Refusal {
        if self.arena.contains(address) { Misuse::FreeMemory.into() } else { Refusal::NotMine }
    }
}

/// How far below an address the start of its huge block is looked for, in slices: 16 GiB, a millisecond.
const HUGE_SLICES: usize = 1 << 18;

// SAFETY: bins hold free blocks of slabs that the page map knows; slabs, runs and mappings are disjoint; a block leaves
// its list when it is handed out.
unsafe impl Heap for FastHeap {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        // SAFETY: the word is the address of a thread heap, or of zeros that read as empty bins.
        let pop = |bin: usize| unsafe { (*thread::word().add(bin).cast::<Bin>()).pop(&self.key) };
        // Each returns by itself, so that neither jumps to the other's code.
        if size <= classes::SHORT_MAX {
            return pop(classes::BIN_OF_SIZE[size] as usize);
        }
        if size <= classes::MAX { pop(class_of(size) * size_of::<Bin>()) } else { core::ptr::null_mut() }
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
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
        if size > classes::MAX {
            return self.malloc_large(size, 16, false).map_or(core::ptr::null_mut(), |block| block.start);
        }
        self.with_heap(|heap| self.malloc_class(heap, class_of(size))).unwrap_or(core::ptr::null_mut())
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        if align <= 16 {
            return self.malloc(size);
        }
        match classes::class_of_aligned(align, size) {
            Some(class) => self.with_heap(|heap| self.malloc_class(heap, class)).unwrap_or(core::ptr::null_mut()),
            None => self.malloc_large(size, align, false).map_or(core::ptr::null_mut(), |block| block.start),
        }
    }

    #[inline]
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        let entry = page_map::entry(block as usize);
        match Slab::of(entry) {
            Some((bin, slab)) => Ok(self.free_small(bin, slab, block)?),
            None => self.free_large(block as usize, entry),
        }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        self.size_at(block as usize)
    }

    fn block_size(&self, address: usize) -> usize {
        self.size_at(address).unwrap_or(0)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        if let Err(Refusal::Misuse(misuse)) = self.size_at(address) {
            return Some(misuse);
        }
        // Of a huge block only the first slice is in the page map; the slice of its end may be the first one of another block.
        let mut below = address;
        for _ in 0..2 {
            let (slice, entry) = page_map::entry_below(below, HUGE_SLICES)?;
            if entry.kind != huge::KIND {
                return None;
            }
            if self.huge.contains(address, entry.record) {
                return Some(self.huge.misuse_at(address, entry.record));
            }
            below = slice.checked_sub(1)?;
        }
        None
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        let (block, zeroed) = if size > classes::MAX {
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

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        let old = self.size_at(block as usize)?;
        // SAFETY: the block is in use, and the caller's; it was found just now.
        unsafe { self.realloc_from(block, old, size) }
    }

    fn good_size(&self, size: usize) -> usize {
        match size {
            ..=classes::MAX => classes::TABLE[class_of(size)].size as usize,
            size => size.checked_next_multiple_of(xalloc_blocks::runs::PAGE).unwrap_or(size),
        }
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
        let Some(heap) = ThreadHeap::own() else { return };
        {
            let _change = heap.change();
            // First, so that a signal handler that allocates meanwhile finds no bins to take from.
            Phase::Plain.enter();
            self.send_all(heap);
            self.drain(heap, Retain::OneSlab);
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
        self.surplus.work().settle_after_fork();
    }
}

#[cfg(test)]
mod tests;
