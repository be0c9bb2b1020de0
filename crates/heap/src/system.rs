//! The heap that is none: it passes every call through to the next allocator in the process.
//!
//! Nothing of libc may be looked up while a program allocates, and the loader allocates before any constructor ran. So the
//! next allocator is found in [`Heap::process_init`]; until then blocks come from mappings of their own.

use crate::counters::Counters;
use crate::fork_locks::ForkLocks;
use crate::heap::{Heap, Stats};
use crate::huge::Huge;
use crate::metadata::Metadata;
use crate::misuse::Call;
use crate::page_map::{self, Entry};
use core::ffi::{CStr, c_void};
use core::sync::atomic::{AtomicPtr, Ordering};
use xalloc_os::{Lock, next};

type Malloc = unsafe extern "C" fn(usize) -> *mut c_void;
type Memalign = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void);
type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;
type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
type Trim = unsafe extern "C" fn(usize) -> i32;

/// A function of the next allocator, once it is known.
struct Next(AtomicPtr<c_void>, &'static CStr);

impl Next {
    const fn named(name: &'static CStr) -> Self {
        Self(AtomicPtr::new(core::ptr::null_mut()), name)
    }

    fn find(&self) {
        let function = next::find(self.1);
        // Release: `malloc` is found last, and whoever sees it sees the others.
        self.0.store(function, Ordering::Release);
    }

    /// The function's address, null before it is known or if there is none.
    fn get(&self) -> *mut c_void {
        // Acquire: pairs with `find`.
        self.0.load(Ordering::Acquire)
    }
}

/// The next allocator in the process, as a heap.
pub struct SystemHeap {
    malloc: Next,
    memalign: Next,
    free: Next,
    usable_size: Next,
    realloc: Next,
    calloc: Next,
    trim: Next,
    /// For blocks from before the next allocator is known.
    early: Huge,
    metadata: Metadata,
    counters: Counters,
    fork_locks: ForkLocks,
}

impl SystemHeap {
    /// Knows no allocator yet.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        Self {
            malloc: Next::named(c"malloc"),
            memalign: Next::named(c"memalign"),
            free: Next::named(c"free"),
            usable_size: Next::named(c"malloc_usable_size"),
            realloc: Next::named(c"realloc"),
            calloc: Next::named(c"calloc"),
            trim: Next::named(c"malloc_trim"),
            early: Huge::new(),
            metadata: Metadata::new(),
            counters: Counters::new(),
            fork_locks: ForkLocks::new(),
        }
    }

    /// Every lock of the heap, in the order in which they nest.
    fn locks(&self) -> impl Iterator<Item = &Lock> {
        [self.early.lock(), self.metadata.lock()].into_iter()
    }

    /// Finds the next allocator. `malloc` last: who sees it sees the others.
    fn find_next(&self) {
        for next in
            [&self.memalign, &self.free, &self.usable_size, &self.realloc, &self.calloc, &self.trim, &self.malloc]
        {
            next.find();
        }
    }

    fn is_known(&self) -> bool {
        !self.malloc.get().is_null()
    }

    /// A block from before the next allocator is known. It is not counted, now or later.
    fn early(&self, align: usize, size: usize) -> *mut u8 {
        self.early.allocate(size, align, false, &self.metadata).map_or(core::ptr::null_mut(), |block| block.start)
    }

    /// Counts calls from now on, for [`Heap::stats`].
    pub fn count(&self) {
        self.counters.switch_on();
    }

    /// Counts a block that was handed out.
    fn counted(&self, block: *mut u8) -> *mut u8 {
        if self.counters.are_on() && !block.is_null() {
            // SAFETY: a block of the next allocator, just made.
            self.counters.allocated(unsafe { self.usable_size(block) });
        }
        block
    }

    /// The record of a block from before the next allocator was known.
    fn early_record(&self, block: *mut u8) -> Option<*mut u8> {
        match page_map::entry(block as usize) {
            Entry::Huge(record) if self.early.contains(block as usize, record) => Some(record),
            _ => None,
        }
    }
}

/// The function behind a [`Next`], as its C type. Unsafe: the symbol of this name has this type in every libc, and it is
/// known, because `malloc` is.
macro_rules! call {
    ($next:expr, $type:ty) => {
        core::mem::transmute::<*mut c_void, $type>($next.get())
    };
}

impl SystemHeap {
    /// # Safety
    /// `block` is a live block of the next allocator.
    unsafe fn realloc_next(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: the block is the next allocator's, in use, and the caller's.
        unsafe {
            let old = if self.counters.are_on() { self.usable_size(block) } else { 0 };
            let new: *mut u8 = call!(self.realloc, Realloc)(block.cast(), size).cast();
            if self.counters.are_on() && !new.is_null() {
                self.counters.freed(old);
            }
            self.counted(new)
        }
    }
}

// SAFETY: the next allocator's blocks are as good as it is; early ones are mappings of their own.
unsafe impl Heap for SystemHeap {
    fn malloc(&self, size: usize) -> *mut u8 {
        if !self.is_known() {
            return self.early(16, size);
        }
        // SAFETY: C's malloc.
        self.counted(unsafe { call!(self.malloc, Malloc)(size).cast() })
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        if !self.is_known() {
            return self.early(align, size);
        }
        // SAFETY: C's memalign, with a power of two.
        self.counted(unsafe { call!(self.memalign, Memalign)(align, size).cast() })
    }

    unsafe fn free(&self, block: *mut u8) {
        if let Some(record) = self.early_record(block) {
            self.early.free(block as usize, record);
            return;
        }
        if self.counters.are_on() && !block.is_null() {
            // SAFETY: the block is in use, and the caller's.
            self.counters.freed(unsafe { self.usable_size(block) });
        }
        // SAFETY: the block is the next allocator's, in use, and the caller's.
        unsafe { call!(self.free, Free)(block.cast()) }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> usize {
        match self.early_record(block) {
            Some(record) => self.early.usable_size(block as usize, record, Call::UsableSize),
            // SAFETY: the block is the next allocator's, in use, and the caller's.
            None => unsafe { call!(self.usable_size, UsableSize)(block.cast()) },
        }
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        if !self.is_known() {
            return self.early(16, size);
        }
        // SAFETY: C's calloc.
        self.counted(unsafe { call!(self.calloc, Calloc)(1, size).cast() })
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> *mut u8 {
        let Some(record) = self.early_record(block) else {
            // SAFETY: the block is the next allocator's, in use, and the caller's.
            return unsafe { self.realloc_next(block, size) };
        };
        let old = self.early.usable_size(block as usize, record, Call::Realloc);
        let new = self.malloc(size);
        if !new.is_null() {
            // SAFETY: both blocks are live and disjoint, and the copy fits in both.
            unsafe { new.copy_from_nonoverlapping(block, old.min(size)) };
            self.early.free(block as usize, record);
        }
        new
    }

    fn trim(&self, keep: usize) -> bool {
        // SAFETY: glibc's malloc_trim, if the next allocator or libc has one.
        !self.trim.get().is_null() && unsafe { call!(self.trim, Trim)(keep) } != 0
    }

    fn passes_through(&self) -> bool {
        true
    }

    fn stats(&self) -> Option<Stats> {
        let (calls, live) = self.counters.read()?;
        Some(Stats { allocated: live, calls: Some(calls), ..Stats::default() })
    }

    fn init(&self) {
        if next::IS_EARLY {
            self.find_next();
        }
    }

    fn process_init(&self) {
        if !next::IS_EARLY {
            self.find_next();
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
    }
}
