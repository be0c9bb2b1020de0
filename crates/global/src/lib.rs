//! The default heap as the global allocator of a Rust program, and local heaps beside it.

#![no_std]

#[cfg(feature = "allocator-api2")]
mod containers;

pub use xalloc_heaps::local::{LocalHeap, OneThread};
pub use xalloc_heaps::pow2::LocalPow2;

#[cfg(feature = "allocator-api2")]
pub use containers::Contained;

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use xalloc_heap::Stats;
use xalloc_heaps::FastHeap;
use xalloc_redirect::{Callbacks, HeapRedirect};

/// The default heap, for `#[global_allocator]`:
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: xalloc_global::Xalloc = xalloc_global::Xalloc;
/// # fn main() {}
/// ```
///
/// Threads and fork need no further care. C code in the process still uses libc's malloc. If libxalloc.so is preloaded as well,
/// it has a heap of its own. A `cdylib` with this allocator stays loaded when the program closes it, because libc has pointers
/// into it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Xalloc;

/// The functions that libc calls.
mod callbacks {
    use super::REDIRECT;
    xalloc_redirect::__interpose_callbacks!();
}

static REDIRECT: HeapRedirect<FastHeap> =
    HeapRedirect::new(FastHeap::new(), Callbacks { thread_end, ..callbacks::CALLBACKS }).beside_malloc();

// It runs before the module that contains it can be closed, and before another thread can be in this code: if one forked during
// the start-up, the start-up would never end in the child.
xalloc_redirect::__os::constructor!(CONSTRUCTOR = construct);

extern "C" fn construct() {
    xalloc_redirect::module::stay_loaded();
    REDIRECT.construct();
}

unsafe extern "C" fn thread_end(value: *mut c_void) {
    // This reference links in the constructor, but only where the allocator is used.
    core::hint::black_box(&CONSTRUCTOR);
    REDIRECT.thread_end(value);
}

/// The alignment of every block in bytes, whatever its size.
const MIN_ALIGN: usize = 16;

impl Xalloc {
    /// Returns what the heap holds.
    pub fn stats(&self) -> Stats {
        REDIRECT.stats()
    }

    /// Returns the usable size that a request of `size` bytes gets.
    pub fn good_size(&self, size: usize) -> usize {
        REDIRECT.good_size(size)
    }

    /// Purges free memory, but for about `keep` bytes. Returns whether any was purged.
    pub fn trim(&self, keep: usize) -> bool {
        REDIRECT.malloc_trim(keep) != 0
    }
}

/// Rust's layouts are at most `isize::MAX` bytes, alignment included, so no sum below overflows.
///
/// The size class of a constant size is a constant too: `Box::new` of a small type is ten instructions. The size is not used
/// when a block is freed: the page map must be read anyway to see whose the block is, and it gives the class.
// SAFETY: as for the heap; a layout's size and alignment are passed on.
unsafe impl GlobalAlloc for Xalloc {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > MIN_ALIGN { aligned(layout) } else { REDIRECT.malloc(layout.size()) }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: GlobalAlloc's user passes a block of this allocator that is in use.
        unsafe { REDIRECT.free(block) };
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() > MIN_ALIGN { aligned_zeroed(layout) } else { REDIRECT.calloc(1, layout.size()) }
    }

    #[inline(always)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: GlobalAlloc's user passes a block of this allocator that is in use, its layout, and a size that is not 0.
        unsafe {
            if layout.align() > MIN_ALIGN { move_aligned(block, layout, size) } else { REDIRECT.realloc(block, size) }
        }
    }
}

#[inline(never)]
fn aligned(layout: Layout) -> *mut u8 {
    REDIRECT.aligned_alloc(layout.align(), layout.size())
}

#[inline(never)]
fn aligned_zeroed(layout: Layout) -> *mut u8 {
    let block = aligned(layout);
    if !block.is_null() {
        // SAFETY: a fresh block of that size.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    block
}

/// # Safety
/// The same as for `GlobalAlloc::realloc`.
#[inline(never)]
unsafe fn move_aligned(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: GlobalAlloc's user passes a size that is valid for the layout's alignment.
    let new = aligned(unsafe { Layout::from_size_align_unchecked(size, layout.align()) });
    if !new.is_null() {
        // SAFETY: both blocks are live and disjoint, and the copy fits in both.
        unsafe {
            new.copy_from_nonoverlapping(block, layout.size().min(size));
            REDIRECT.free(block);
        }
    }
    new
}
