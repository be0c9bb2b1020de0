//! The pass-through heap: it forwards every call to the next malloc in the process, and counts if asked to.
//!
//! Nothing can be looked up while a program allocates, and the loader allocates before any constructor ran. So whoever serves
//! the program with this heap tells it of the next malloc when that is known ([`SystemHeap::forward_to`]); until then blocks
//! come from mappings of their own.

mod counters;

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, Ordering};
use counters::Counters;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::huge::{self, Huge};
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::page_map::{self, Entry};
use xalloc_heap::{Heap, Refusal, Stats};
use xalloc_os::Lock;

/// C's functions of the next malloc in the process.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are C's")]
pub struct Functions {
    pub malloc: unsafe extern "C" fn(usize) -> *mut c_void,
    pub memalign: unsafe extern "C" fn(usize, usize) -> *mut c_void,
    pub free: unsafe extern "C" fn(*mut c_void),
    pub usable_size: unsafe extern "C" fn(*mut c_void) -> usize,
    pub realloc: unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void,
    pub calloc: unsafe extern "C" fn(usize, usize) -> *mut c_void,
    /// glibc's `malloc_trim`, which others need not have.
    pub trim: Option<unsafe extern "C" fn(usize) -> i32>,
}

/// The functions, once they are known.
struct Next {
    functions: UnsafeCell<Option<Functions>>,
    is_known: AtomicBool,
}

// SAFETY: written once, before `is_known`, by one thread, and only read after it.
unsafe impl Sync for Next {}

impl Next {
    const fn new() -> Self {
        Self { functions: UnsafeCell::new(None), is_known: AtomicBool::new(false) }
    }

    /// Sets the functions, unless they are known.
    ///
    /// # Safety
    /// No other thread is in here.
    unsafe fn set(&self, functions: Functions) {
        if self.get().is_some() {
            return;
        }
        // SAFETY: nobody reads it before `is_known`, and the caller's: nobody else writes.
        unsafe { *self.functions.get() = Some(functions) };
        // Release: who sees it sees the functions.
        self.is_known.store(true, Ordering::Release);
    }

    fn get(&self) -> Option<&Functions> {
        // Acquire: pairs with `set`.
        if !self.is_known.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: written before `is_known`, and not since.
        unsafe { (*self.functions.get()).as_ref() }
    }
}

/// The next malloc in the process, as a heap.
pub struct SystemHeap {
    next: Next,
    /// For blocks from before the next malloc is known.
    early: Huge,
    metadata: Metadata,
    counters: Counters,
    fork_locks: ForkLocks,
}

impl SystemHeap {
    /// Returns a heap that knows no next malloc yet.
    pub const fn new() -> Self {
        Self {
            next: Next::new(),
            early: Huge::new(),
            metadata: Metadata::new(),
            counters: Counters::new(),
            fork_locks: ForkLocks::new(),
        }
    }

    /// Forwards calls to these functions from now on. A second call does nothing.
    ///
    /// # Safety
    /// They do what C says of their names, and each takes the blocks that the others return. None is this heap's. No other
    /// thread calls this at the same time.
    pub unsafe fn forward_to(&self, functions: Functions) {
        // SAFETY: the caller's: no other thread is in there.
        unsafe { self.next.set(functions) };
    }

    /// Returns every lock of the heap, in the order in which they nest.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        [self.early.lock(), self.metadata.lock()].into_iter()
    }

    /// Returns a block while the next malloc is not known. It is not counted, now or later.
    fn early(&self, align: usize, size: usize) -> *mut u8 {
        self.early.allocate(size, align, false, &self.metadata).map_or(core::ptr::null_mut(), |block| block.start)
    }

    /// Counts calls from now on, for [`Heap::stats`].
    pub fn count(&self) {
        self.counters.switch_on();
    }

    /// Counts a block that was handed out.
    fn counted(&self, next: &Functions, block: *mut c_void) -> *mut u8 {
        if self.counters.are_on() && !block.is_null() {
            // SAFETY: a block of the next malloc, just made.
            self.counters.allocated(unsafe { (next.usable_size)(block) });
        }
        block.cast()
    }

    /// Returns what the page map has for a block from before the next allocator was known.
    fn early_entry(&self, block: *mut u8) -> Option<Entry> {
        let entry = page_map::entry(block as usize);
        (entry.kind() == huge::KIND && self.early.contains(block as usize, entry)).then_some(entry)
    }
}

impl SystemHeap {
    /// Resizes a block of the next malloc.
    ///
    /// # Safety
    /// `block` is a live block of the next malloc, which nobody uses but through the result.
    unsafe fn realloc_next(&self, next: &Functions, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: a live block of the next malloc, which nobody uses but through the result.
        unsafe {
            let old = if self.counters.are_on() { (next.usable_size)(block.cast()) } else { 0 };
            let new = (next.realloc)(block.cast(), size);
            if self.counters.are_on() && !new.is_null() {
                self.counters.freed(old);
            }
            self.counted(next, new)
        }
    }
}

// SAFETY: the next malloc's blocks are as good as it is; early ones are mappings of their own.
unsafe impl Heap for SystemHeap {
    fn malloc(&self, size: usize) -> *mut u8 {
        match self.next.get() {
            // SAFETY: C's malloc.
            Some(next) => self.counted(next, unsafe { (next.malloc)(size) }),
            None => self.early(16, size),
        }
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        match self.next.get() {
            // SAFETY: C's memalign, with a power of two.
            Some(next) => self.counted(next, unsafe { (next.memalign)(align, size) }),
            None => self.early(align, size),
        }
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        if let Some(entry) = self.early_entry(block) {
            self.early.free(block as usize, entry)?;
            return Ok(());
        }
        let next = self.next.get().ok_or(Refusal::NotMine)?;
        // SAFETY: the block is the next malloc's, in use, and the caller's.
        unsafe {
            if self.counters.are_on() && !block.is_null() {
                self.counters.freed((next.usable_size)(block.cast()));
            }
            (next.free)(block.cast());
        }
        Ok(())
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        if let Some(entry) = self.early_entry(block) {
            let size = self.early.size_at(block as usize, entry);
            return size.ok_or_else(|| self.early.refusal_at(block as usize, entry));
        }
        let next = self.next.get().ok_or(Refusal::NotMine)?;
        // SAFETY: the block is the next malloc's, in use, and the caller's.
        Ok(unsafe { (next.usable_size)(block.cast()) })
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        match self.next.get() {
            // SAFETY: C's calloc.
            Some(next) => self.counted(next, unsafe { (next.calloc)(1, size) }),
            None => self.early(16, size),
        }
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        if self.early_entry(block).is_none() {
            let next = self.next.get().ok_or(Refusal::NotMine)?;
            // SAFETY: the block is the next malloc's, in use, and the caller's.
            return Ok(unsafe { self.realloc_next(next, block, size) });
        }
        // SAFETY: an early block, in use, and the caller's; the copy fits in both blocks, which are live and disjoint.
        unsafe {
            let old = self.usable_size(block)?;
            let new = self.malloc(size);
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, old.min(size));
                self.free(block)?;
            }
            Ok(new)
        }
    }

    fn trim(&self, keep: usize) -> bool {
        let trim = self.next.get().and_then(|next| next.trim);
        // SAFETY: glibc's malloc_trim, which takes any number.
        trim.is_some_and(|trim| unsafe { trim(keep) } != 0)
    }

    fn passes_through(&self) -> bool {
        true
    }

    fn stats(&self) -> Option<Stats> {
        let (calls, live) = self.counters.read()?;
        Some(Stats { allocated: live, calls: Some(calls), ..Stats::default() })
    }

    fn prefork(&self) {
        self.fork_locks.acquire(self.locks());
    }

    fn postfork_parent(&self) {
        self.fork_locks.release_in_parent(self.locks());
    }

    fn postfork_child(&self) {
        self.fork_locks.release_in_child(self.locks());
    }
}
