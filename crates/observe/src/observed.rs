//! A heap whose calls are counted, as long as somebody wants that.
//!
//! The hit paths are those of the heap: a thread that is observed comes to none of them, because its TLS word points to empty
//! bins. So being able to observe costs nothing but one look at a word on slow paths.

use crate::observer::Observer;
#[cfg(target_os = "linux")]
use crate::unwind;
use crate::wanted::Wanted;
use xalloc_heap::{Heap, Inspected, Misuse, Refusal, Report, Stats};
use xalloc_os::syscall::Errno;

/// A heap that can be observed.
pub struct Observed<H> {
    heap: H,
    observer: Observer,
}

impl<H: Heap> Observed<H> {
    /// Returns the heap, of which is observed what `wanted` says, which may change at any time.
    pub const fn new(heap: H, wanted: &'static Wanted) -> Self {
        Self { heap, observer: Observer::new(wanted) }
    }

    /// Returns the heap itself.
    pub fn heap(&self) -> &H {
        &self.heap
    }

    /// Writes the heap profile to a file, in jemalloc's format `heap_v2`.
    ///
    /// # Errors
    /// The kernel's; ENODATA if nothing was sampled.
    pub fn write_profile(&self, descriptor: i32) -> Result<(), Errno> {
        let _call = self.observer.enter();
        self.observer.write_profile(descriptor)
    }

    /// Returns what `allocate` returns, a block of at least `size` bytes or null, and counts it.
    #[inline]
    fn counted(&self, size: usize, allocate: impl FnOnce(&H) -> *mut u8) -> *mut u8 {
        let call = self.observer.enter();
        let block = allocate(&self.heap);
        if call.is_counted() && !block.is_null() {
            // SAFETY: a block of the heap that was handed out just now, and is nobody else's yet.
            call.allocated(block, size, unsafe { self.heap.fresh_size(block, size) });
        }
        block
    }
}

// SAFETY: all blocks are the heap's.
unsafe impl<H: Heap> Heap for Observed<H> {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        self.heap.cached_malloc(size)
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        // SAFETY: passed on, here and in the two methods below.
        unsafe { self.heap.cached_free(block) }
    }

    #[inline(always)]
    unsafe fn cached_fits(&self, block: *mut u8, size: usize) -> bool {
        // SAFETY: see `cached_free`.
        unsafe { self.heap.cached_fits(block, size) }
    }

    #[inline(always)]
    unsafe fn cached_move(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: see `cached_free`.
        unsafe { self.heap.cached_move(block, size) }
    }

    #[inline]
    fn malloc(&self, size: usize) -> *mut u8 {
        self.counted(size, |heap| {
            // The thread's own cache comes first, as it does where nothing is observed.
            let block = heap.cached_malloc(size);
            if block.is_null() { heap.malloc(size) } else { block }
        })
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        let call = self.observer.enter();
        let block = self.heap.memalign(align, size);
        if call.is_counted() && !block.is_null() {
            // SAFETY: a block of the heap that was handed out just now, and is nobody else's yet.
            call.allocated(block, size, unsafe { self.heap.usable_size(block) }.unwrap_or(size));
        }
        block
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        self.counted(size, |heap| heap.calloc(size))
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        let call = self.observer.enter();
        // SAFETY: the block is in use, and the caller's, as the contract has it.
        unsafe {
            if !call.is_counted() {
                return self.heap.free(block);
            }
            // Before it is free: then another thread may have the block.
            call.forget(block);
            call.freed(self.heap.free_inspected(block)?);
            Ok(())
        }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        let _call = self.observer.enter();
        // SAFETY: passed on.
        unsafe { self.heap.usable_size(block) }
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        let call = self.observer.enter();
        // SAFETY: the block is in use, and the caller's, as the contract has it; so is the new one, if there is one.
        unsafe {
            if !call.is_counted() {
                return self.heap.realloc(block, size);
            }
            let old = self.heap.inspect(block)?;
            // A block that stays what it is counts as nothing.
            if self.heap.cached_fits(block, size) {
                return Ok(block);
            }
            call.forget(block);
            let new = self.heap.realloc(block, size)?;
            let usable = if new.is_null() { 0 } else { self.heap.usable_size(new).unwrap_or(size) };
            if !new.is_null() && (new != block || usable != old.usable) {
                // The new one first: so the sum is never less than nothing.
                call.allocated(new, size, usable);
                call.freed(old);
            }
            Ok(new)
        }
    }

    unsafe fn inspect(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        let _call = self.observer.enter();
        // SAFETY: passed on.
        unsafe { self.heap.inspect(block) }
    }

    fn block_size(&self, address: usize) -> usize {
        let _call = self.observer.enter();
        self.heap.block_size(address)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        let _call = self.observer.enter();
        self.heap.misuse_at(address)
    }

    fn good_size(&self, size: usize) -> usize {
        self.heap.good_size(size)
    }

    fn trim(&self, keep: usize) -> bool {
        let _call = self.observer.enter();
        self.heap.trim(keep)
    }

    fn stats(&self) -> Option<Stats> {
        let _call = self.observer.enter();
        self.heap.stats()
    }

    fn wants_background_thread(&self) -> bool {
        self.heap.wants_background_thread()
    }

    fn has_surplus(&self) -> bool {
        self.heap.has_surplus()
    }

    fn purge_in_background(&self) {
        self.heap.purge_in_background();
    }

    fn end_background(&self) {
        self.heap.end_background();
    }

    fn passes_through(&self) -> bool {
        self.heap.passes_through()
    }

    fn init(&self, report: Report) {
        self.heap.init(report);
        self.observer.begin();
    }

    fn process_init(&self) {
        let _call = self.observer.enter();
        self.heap.process_init();
    }

    fn thread_init(&self) {
        let _call = self.observer.enter();
        self.heap.thread_init();
    }

    fn thread_exit(&self) {
        let call = self.observer.enter();
        self.heap.thread_exit();
        call.end_thread();
    }

    fn before_dlopen(&self) {
        #[cfg(target_os = "linux")]
        unwind::invalidate();
    }

    fn prefork(&self) {
        let _call = self.observer.enter();
        self.heap.prefork();
        self.observer.prefork();
    }

    fn postfork_parent(&self) {
        let _call = self.observer.enter();
        self.observer.postfork_parent();
        self.heap.postfork_parent();
    }

    fn postfork_child(&self) {
        let _call = self.observer.enter();
        self.observer.postfork_child();
        self.heap.postfork_child();
    }
}
