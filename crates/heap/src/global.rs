//! The default heap as the global allocator of a Rust program.

use crate::fast::FastHeap;
use crate::heap::Heap;
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use xalloc_os::startup::Begin;
use xalloc_os::thread::{self, Phase};
use xalloc_os::{Startup, ThreadEnd};

/// The default heap, for `#[global_allocator]`:
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: xalloc_heap::Xalloc = xalloc_heap::Xalloc;
/// # fn main() {}
/// ```
///
/// Threads and fork are taken care of. What C code in the process allocates stays with libc's malloc; a process may have
/// libxalloc.so preloaded besides, which is then a heap of its own. A `cdylib` with this allocator stays loaded when the program
/// closes it, because libc keeps pointers into it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Xalloc;

static HEAP: FastHeap = FastHeap::new();
static STARTUP: Startup = Startup::new();
static THREAD_END: ThreadEnd = ThreadEnd::new();

/// Starts up, while no other thread can be in this code: after a fork by another one, a start-up would never end in the child.
extern "C" fn construct() {
    xalloc_os::module::stay_loaded();
    // SAFETY: libc's. If it has no memory for them, fork works as long as no other thread is inside the heap.
    unsafe { libc::pthread_atfork(Some(prefork), Some(postfork_parent), Some(postfork_child)) };
    start();
}

// Before the module that this is linked into can be closed.
xalloc_os::constructor!(CONSTRUCTOR = construct);

/// Every block is aligned to this, whatever its size.
const MIN_ALIGN: usize = 16;

impl Xalloc {
    /// The heap, for its statistics and for [`Heap::trim`].
    pub fn heap(&self) -> &'static impl Heap {
        known()
    }
}

/// The heap, with the calling thread known to it.
fn known() -> &'static FastHeap {
    if Phase::current() == Phase::New {
        attach();
    }
    &HEAP
}

/// Starts up if nobody has: an earlier constructor may allocate. False inside the caller's own start-up.
fn start() -> bool {
    let begin = STARTUP.begin(thread::token());
    if begin == Begin::Run {
        thread::prepare();
        HEAP.init();
        THREAD_END.create(thread_end);
        STARTUP.finish();
    }
    begin != Begin::Reentered
}

#[cold]
fn attach() {
    // Who uses the allocator brings its constructor; libraries with this crate that do not, do not.
    core::hint::black_box(&CONSTRUCTOR);
    if !start() {
        // Libc came back here: served without a heap of the thread's own.
        return;
    }
    // First: arming may come back here.
    Phase::Plain.enter();
    THREAD_END.arm();
    HEAP.thread_init();
}

unsafe extern "C" fn thread_end(round: *mut c_void) {
    if THREAD_END.is_now(round) {
        HEAP.thread_exit();
        Phase::TornDown.enter();
    }
}

unsafe extern "C" fn prefork() {
    HEAP.prefork();
}

unsafe extern "C" fn postfork_parent() {
    HEAP.postfork_parent();
}

unsafe extern "C" fn postfork_child() {
    STARTUP.settle_after_fork(thread::token());
    HEAP.postfork_child();
}

/// Rust's layouts are at most `isize::MAX` bytes, alignment included, so no sum below overflows.
///
/// The class of a size that is a constant is one too: `Box::new` of a small type is ten instructions. A size on freeing is
/// of no use: whose a block is must be looked up anyway, and that gives its class.
// SAFETY: as for the heap; a layout's size and alignment are passed on.
unsafe impl GlobalAlloc for Xalloc {
    #[inline(always)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > MIN_ALIGN {
            return memalign(layout);
        }
        let block = HEAP.cached_malloc(layout.size());
        if block.is_null() { malloc(layout.size()) } else { block }
    }

    #[inline(always)]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: GlobalAlloc's user passes a block of this allocator that is in use.
        unsafe {
            if !HEAP.cached_free(block) {
                free(block);
            }
        }
    }

    #[inline(always)]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() > MIN_ALIGN {
            return memalign_zeroed(layout);
        }
        let block = HEAP.cached_malloc(layout.size());
        if block.is_null() {
            return calloc(layout.size());
        }
        // SAFETY: a fresh block of that size.
        unsafe { block.write_bytes(0, layout.size()) };
        block
    }

    #[inline(always)]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: GlobalAlloc's user passes a block of this allocator that is in use, and its layout.
        unsafe {
            if layout.align() > MIN_ALIGN {
                move_aligned(block, layout, size)
            } else if HEAP.cached_fits(block, size) {
                block
            } else {
                realloc(block, size)
            }
        }
    }
}

#[cold]
#[inline(never)]
fn malloc(size: usize) -> *mut u8 {
    known().malloc(size)
}

#[cold]
#[inline(never)]
fn calloc(size: usize) -> *mut u8 {
    known().calloc(size)
}

#[inline(never)]
fn memalign(layout: Layout) -> *mut u8 {
    known().memalign(layout.align(), layout.size())
}

#[inline(never)]
fn memalign_zeroed(layout: Layout) -> *mut u8 {
    let block = memalign(layout);
    if !block.is_null() {
        // SAFETY: a fresh block of that size.
        unsafe { block.write_bytes(0, layout.size()) };
    }
    block
}

/// # Safety
/// As [`Heap::free`].
#[inline(never)]
unsafe fn free(block: *mut u8) {
    // SAFETY: the block is in use, and the caller's.
    unsafe {
        if !HEAP.free_remote(block) {
            known().free(block);
        }
    }
}

/// # Safety
/// As [`Heap::realloc`].
#[inline(never)]
unsafe fn realloc(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the block is in use, and the caller's.
    unsafe {
        let moved = HEAP.cached_move(block, size);
        if moved.is_null() { known().realloc(block, size) } else { moved }
    }
}

/// # Safety
/// As `GlobalAlloc::realloc`.
#[inline(never)]
unsafe fn move_aligned(block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
    // SAFETY: GlobalAlloc's user passes a size that is valid for the layout's alignment.
    let new = memalign(unsafe { Layout::from_size_align_unchecked(size, layout.align()) });
    if !new.is_null() {
        // SAFETY: both blocks are live and disjoint, and the copy fits in both.
        unsafe {
            new.copy_from_nonoverlapping(block, layout.size().min(size));
            free(block);
        }
    }
    new
}
