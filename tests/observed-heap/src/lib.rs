//! The default heap, observed: it counts its hooks, and allocates in each of them through the process's own `malloc`, as a
//! heap whose set-up uses a library would. Inside `init` that comes back to a heap that is not there yet.

#![no_std]

use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_heap::Misuse;
use xalloc_heaps::FastHeap;
use xalloc_redirect::{Heap, Refusal, Report, Stats};

struct ObservedHeap(FastHeap);

static INITS: AtomicUsize = AtomicUsize::new(0);
static THREAD_INITS: AtomicUsize = AtomicUsize::new(0);
static THREAD_EXITS: AtomicUsize = AtomicUsize::new(0);

/// Allocates, uses and frees blocks by C's functions, which are this library's own.
#[allow(clippy::disallowed_methods, reason = "coming back to ourselves is what is tested")]
fn allocate_inside() {
    for size in [1, 100, 5000] {
        // SAFETY: C's malloc, realloc and free, on a block that is ours.
        unsafe {
            let block = libc::realloc(libc::malloc(size), size * 2).cast::<u8>();
            block.write_bytes(1, size * 2);
            libc::free(block.cast());
        }
    }
}

/// How often each hook ran: `init`, `thread_init`, `thread_exit`.
#[unsafe(no_mangle)]
extern "C" fn observed_heap_count(hook: usize) -> usize {
    // Relaxed: the test joins its threads before it asks.
    [&INITS, &THREAD_INITS, &THREAD_EXITS][hook].load(Ordering::Relaxed)
}

// SAFETY: every block is the inner heap's.
unsafe impl Heap for ObservedHeap {
    fn malloc(&self, size: usize) -> *mut u8 {
        self.0.malloc(size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.0.memalign(align, size)
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        // SAFETY: passed on.
        unsafe { self.0.free(block) }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        // SAFETY: passed on.
        unsafe { self.0.usable_size(block) }
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        self.0.calloc(size)
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        // SAFETY: passed on.
        unsafe { self.0.realloc(block, size) }
    }

    fn block_size(&self, address: usize) -> usize {
        self.0.block_size(address)
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.0.misuse_at(address)
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

    fn prefork(&self) {
        self.0.prefork();
    }

    fn postfork_parent(&self) {
        self.0.postfork_parent();
    }

    fn postfork_child(&self) {
        self.0.postfork_child();
    }

    fn init(&self, report: Report) {
        self.0.init(report);
        // Relaxed: a count, as below.
        INITS.fetch_add(1, Ordering::Relaxed);
        allocate_inside();
    }

    fn thread_init(&self) {
        THREAD_INITS.fetch_add(1, Ordering::Relaxed);
        allocate_inside();
        self.0.thread_init();
        allocate_inside();
    }

    fn thread_exit(&self) {
        THREAD_EXITS.fetch_add(1, Ordering::Relaxed);
        allocate_inside();
        self.0.thread_exit();
        allocate_inside();
    }
}

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(ObservedHeap = ObservedHeap(FastHeap::new()));
