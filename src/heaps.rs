//! Every heap of the library, and the one that this process uses.
//!
//! The choice costs the default heap nothing. Its hit paths work on the thread's cache, and a thread has a cache only if the
//! default heap was chosen. With another heap, every call misses and goes to `chosen`.

use crate::configuration::{self, Choice};
use crate::next;
#[cfg(target_os = "linux")]
use crate::profile;
use crate::statistics;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use xalloc_heap::{Heap, Inspected, Misuse, Refusal, Report, Stats};
use xalloc_heaps::{FastHeap, Pow2, SystemHeap};
use xalloc_os::stderr;
use xalloc_redirect::dlsym;

/// The heaps, of which only the chosen one is used.
pub struct Heaps {
    fast: FastHeap,
    system: SystemHeap,
    pow2: Pow2,
    chosen: AtomicU8,
    prints_statistics: AtomicBool,
    wants_background_thread: AtomicBool,
}

impl Heaps {
    /// Returns the heaps with the default heap chosen, until the configuration says otherwise.
    pub const fn new() -> Self {
        Self {
            fast: FastHeap::new(),
            system: SystemHeap::new(),
            pow2: Pow2::new(),
            chosen: AtomicU8::new(Choice::Fast as u8),
            prints_statistics: AtomicBool::new(false),
            wants_background_thread: AtomicBool::new(false),
        }
    }

    fn chosen(&self) -> &dyn Heap {
        // Relaxed: written before start-up ends, which orders it before every call but a `free` or a question that overtakes
        // it. That is of a block which is not ours, and every heap says so.
        match self.chosen.load(Ordering::Relaxed) {
            chosen if chosen == Choice::System as u8 => &self.system,
            chosen if chosen == Choice::Pow2 as u8 => &self.pow2,
            _ => &self.fast,
        }
    }

    /// Gives the pass-through heap the functions of the next malloc, if that heap is the chosen one. Without one, that heap
    /// stays with mappings of its own.
    fn find_next(&self) {
        // Relaxed: see `chosen`.
        if self.chosen.load(Ordering::Relaxed) != Choice::System as u8 {
            return;
        }
        if let Some(functions) = next::functions() {
            // SAFETY: they are what the program's calls would reach without this library, so each takes what the others return.
            // Start-up runs in one thread, and again only in a forked child whose parent was in it: that has one thread.
            unsafe { self.system.forward_to(functions) };
        }
    }

    /// Returns whether the default heap is the chosen one. Its calls are made without a table of functions, so that they can be
    /// inlined.
    #[inline]
    fn is_fast(&self) -> bool {
        // Relaxed: see `chosen`.
        self.chosen.load(Ordering::Relaxed) == Choice::Fast as u8
    }
}

// SAFETY: every call goes to the one chosen heap.
unsafe impl Heap for Heaps {
    #[inline(always)]
    fn cached_malloc(&self, size: usize) -> *mut u8 {
        self.fast.cached_malloc(size)
    }

    #[inline(always)]
    unsafe fn cached_free(&self, block: *mut u8) -> bool {
        // SAFETY: the block is in use, and the caller's; without a thread cache the fast heap recognises nothing as its own.
        unsafe { self.fast.cached_free(block) }
    }

    #[inline(always)]
    unsafe fn cached_fits(&self, block: *mut u8, size: usize) -> bool {
        // SAFETY: as for `cached_free`.
        unsafe { self.fast.cached_fits(block, size) }
    }

    #[inline(always)]
    unsafe fn cached_move(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: as for `cached_free`.
        unsafe { self.fast.cached_move(block, size) }
    }

    #[inline]
    fn malloc(&self, size: usize) -> *mut u8 {
        if self.is_fast() { self.fast.malloc(size) } else { self.chosen().malloc(size) }
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        self.chosen().memalign(align, size)
    }

    #[inline(always)]
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        // SAFETY: the block is in use, and the caller's, as the contract has it; so in all calls below.
        unsafe { if self.is_fast() { self.fast.free(block) } else { self.chosen().free(block) } }
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        // SAFETY: passed on.
        unsafe { self.chosen().usable_size(block) }
    }

    fn calloc(&self, size: usize) -> *mut u8 {
        self.chosen().calloc(size)
    }

    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        // SAFETY: passed on.
        unsafe { self.chosen().realloc(block, size) }
    }

    fn block_size(&self, address: usize) -> usize {
        self.chosen().block_size(address)
    }

    #[inline]
    unsafe fn inspect(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        // SAFETY: passed on.
        unsafe { if self.is_fast() { self.fast.inspect(block) } else { self.chosen().inspect(block) } }
    }

    #[inline]
    unsafe fn free_inspected(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        // SAFETY: passed on, here and below.
        unsafe { if self.is_fast() { self.fast.free_inspected(block) } else { self.chosen().free_inspected(block) } }
    }

    #[inline]
    unsafe fn fresh_size(&self, block: *mut u8, size: usize) -> usize {
        // SAFETY: see `free_inspected`.
        unsafe {
            if self.is_fast() { self.fast.fresh_size(block, size) } else { self.chosen().fresh_size(block, size) }
        }
    }

    fn misuse_at(&self, address: usize) -> Option<Misuse> {
        self.chosen().misuse_at(address)
    }

    fn good_size(&self, size: usize) -> usize {
        self.chosen().good_size(size)
    }

    fn trim(&self, keep: usize) -> bool {
        self.chosen().trim(keep)
    }

    fn stats(&self) -> Option<Stats> {
        self.chosen().stats()
    }

    fn wants_background_thread(&self) -> bool {
        // Relaxed: see `chosen`. The next allocator purges, or not, by itself.
        self.wants_background_thread.load(Ordering::Relaxed) && self.is_fast()
    }

    fn has_surplus(&self) -> bool {
        self.chosen().has_surplus()
    }

    fn purge_in_background(&self) {
        self.chosen().purge_in_background();
    }

    fn end_background(&self) {
        self.chosen().end_background();
    }

    fn passes_through(&self) -> bool {
        self.chosen().passes_through()
    }

    fn init(&self, report: Report) {
        let applied = configuration::apply();
        if let Some(tuning) = applied.tuning {
            self.fast.tune(tuning);
        }
        // SAFETY: nothing was allocated yet, and no other thread gets past start-up before this has returned.
        unsafe { self.pow2.tune(applied.pow2) };
        if applied.stats {
            self.system.count();
            // Relaxed: as for `chosen`.
            self.prints_statistics.store(true, Ordering::Relaxed);
        }
        if applied.background_thread {
            // Relaxed: as for `chosen`.
            self.wants_background_thread.store(true, Ordering::Relaxed);
        }
        // Relaxed: see `chosen`.
        self.chosen.store(applied.heap as u8, Ordering::Relaxed);
        self.chosen().init(report);
        if dlsym::IS_EARLY {
            self.find_next();
        }
    }

    fn process_init(&self) {
        configuration::drop_untrusted();
        if !dlsym::IS_EARLY {
            self.find_next();
        }
        self.chosen().process_init();
        #[cfg(target_os = "linux")]
        if profile::is_wanted() {
            // SAFETY: libc's; the library is never unloaded.
            unsafe { libc::atexit(write_profile) };
        }
        // Relaxed: see `chosen`.
        if self.prints_statistics.load(Ordering::Relaxed) {
            stderr::keep();
            // Registered before all others', so it runs after them. If libc has no memory for it, nothing is printed.
            // SAFETY: libc's; the library is never unloaded.
            unsafe { libc::atexit(print_statistics) };
        }
    }

    fn thread_init(&self) {
        self.chosen().thread_init();
    }

    fn thread_exit(&self) {
        self.chosen().thread_exit();
    }

    fn prefork(&self) {
        self.chosen().prefork();
    }

    fn postfork_parent(&self) {
        self.chosen().postfork_parent();
    }

    fn postfork_child(&self) {
        self.chosen().postfork_child();
    }
}

#[cfg(target_os = "linux")]
extern "C" fn write_profile() {
    if let Some(heap) = crate::XALLOC_REDIRECT.heap() {
        profile::write(heap);
    }
}

extern "C" fn print_statistics() {
    statistics::print(&crate::XALLOC_REDIRECT);
}
