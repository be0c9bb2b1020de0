//! The default heap, for pointers that can only be its own.

use xalloc_heap::{FastHeap, Heap, Stats};

/// The default heap, which claims every pointer: what is not one of its blocks is a mistake, not another allocator's.
pub struct Own(FastHeap);

impl Own {
    /// An empty heap.
    pub const fn new() -> Self {
        Self(FastHeap::new())
    }
}

// SAFETY: every call goes to the one heap.
unsafe impl Heap for Own {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        self.0.cached_malloc(size)
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        // SAFETY: the caller's promise, passed on; as in all calls below.
        unsafe { self.0.cached_free(block) }
    }

    #[inline(always)]
    unsafe fn free_remote(&self, block: *mut u8) -> bool {
        // SAFETY: passed on.
        unsafe { self.0.free_remote(block) }
    }

    #[inline(always)]
    unsafe fn cached_fits(&self, block: *mut u8, size: usize) -> bool {
        // SAFETY: passed on.
        unsafe { self.0.cached_fits(block, size) }
    }

    #[inline(always)]
    unsafe fn cached_move(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { self.0.cached_move(block, size) }
    }

    fn malloc(&self, size: usize) -> *mut u8 {
        self.0.malloc(size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.0.memalign(align, size)
    }

    unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { self.0.free(block) }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> usize {
        // SAFETY: passed on.
        unsafe { self.0.usable_size(block) }
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        self.0.calloc(size)
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { self.0.realloc(block, size) }
    }

    fn good_size(&self, size: usize) -> usize {
        self.0.good_size(size)
    }

    fn trim(&self, keep: usize) -> bool {
        self.0.trim(keep)
    }

    fn stats(&self) -> Option<Stats> {
        self.0.stats()
    }

    fn thread_init(&self) {
        self.0.thread_init();
    }

    fn thread_exit(&self) {
        self.0.thread_exit();
    }

    fn prefork(&self) {
        self.0.prefork();
    }

    fn postfork_parent(&self) {
        self.0.postfork_parent();
    }

    fn postfork_child(&self) {
        self.0.postfork_child();
    }
}
