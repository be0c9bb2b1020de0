//! Heaps of the program's own: `xalloc_heap_new` … `xalloc_heap_destroy`.

use super::XALLOC;
use core::mem::ManuallyDrop;
use core::ptr::null_mut;
use xalloc_heaps::local::LocalHeap;
use xalloc_heaps::scalable::{ClassHeap, SingleThread};
use xalloc_os::errno;
use xalloc_redirect::{Refusal, report};

xalloc_heaps::size_classes! {
    /// Four sizes to a doubling.
    pub Sizes: [
        16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560,
        3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288, 14336, 16384, 20480, 24576, 28672, 32768
    ]; waste 1 / 2
}

type Slabs = ClassHeap<{ Sizes::N }, Sizes, SingleThread>;
type Heap = LocalHeap<Slabs>;

/// The heap behind a pointer of the program's, which keeps it. `None`, reported, if there is none.
///
/// # Safety
/// It came from `xalloc_heap_new`, and one thread at a time uses it, as xalloc.h asks; or it can be read.
unsafe fn borrowed(function: &str, heap: *mut Slabs) -> Option<ManuallyDrop<Heap>> {
    // SAFETY: the caller's.
    let found = unsafe { Heap::from_raw(heap) };
    if found.is_none() {
        report::report_no_heap(function, heap as usize);
        errno::set(libc::EINVAL);
    }
    found.map(ManuallyDrop::new)
}

/// Returns the block that `attempt` returns; without one, tries again when the process's heap has purged what it does not use.
fn block_or_no_memory(attempt: impl Fn() -> *mut u8) -> *mut u8 {
    let mut block = attempt();
    if block.is_null() {
        XALLOC.malloc_trim(0);
        block = attempt();
    }
    or_no_memory(block)
}

fn or_no_memory<T>(result: *mut T) -> *mut T {
    if result.is_null() {
        errno::set(libc::ENOMEM);
    }
    result
}

#[unsafe(no_mangle)]
extern "C" fn xalloc_heap_new() -> *mut Slabs {
    match Heap::new() {
        Some(heap) => heap.into_raw(),
        None => or_no_memory(null_mut()),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_malloc(heap: *mut Slabs, size: usize) -> *mut u8 {
    // SAFETY: xalloc.h asks for a heap, and one thread at a time; so in all functions below.
    unsafe { borrowed("heap_malloc", heap) }.map_or(null_mut(), |heap| block_or_no_memory(|| heap.malloc(size)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_calloc(heap: *mut Slabs, count: usize, size: usize) -> *mut u8 {
    let Some(bytes) = count.checked_mul(size) else { return or_no_memory(null_mut()) };
    // SAFETY: as above.
    unsafe { borrowed("heap_calloc", heap) }.map_or(null_mut(), |heap| block_or_no_memory(|| heap.calloc(bytes)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_memalign(heap: *mut Slabs, align: usize, size: usize) -> *mut u8 {
    if !align.is_power_of_two() {
        errno::set(libc::EINVAL);
        return null_mut();
    }
    // SAFETY: as above.
    unsafe { borrowed("heap_memalign", heap) }
        .map_or(null_mut(), |heap| block_or_no_memory(|| heap.memalign(align, size)))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_realloc(heap: *mut Slabs, block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as above.
    let Some(heap) = (unsafe { borrowed("heap_realloc", heap) }) else { return null_mut() };
    if let Err(refusal) = heap.usable_size(block)
        && !block.is_null()
    {
        report::report_refusal("heap_realloc", block as usize, refusal);
        errno::set(libc::EINVAL);
        return null_mut();
    }
    // SAFETY: the program gives the old block up, as realloc has it; without memory it stays.
    block_or_no_memory(|| unsafe { heap.realloc(block, size) }.unwrap_or(null_mut()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_free(heap: *mut Slabs, block: *mut u8) {
    // SAFETY: as above.
    let Some(heap) = (unsafe { borrowed("heap_free", heap) }) else { return };
    // SAFETY: the program gives the block up.
    if let Err(refusal) = unsafe { heap.free(block) } {
        report::report_refusal("heap_free", block as usize, refusal);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_usable_size(heap: *mut Slabs, block: *mut u8) -> usize {
    if block.is_null() {
        return 0;
    }
    // SAFETY: as above.
    let Some(heap) = (unsafe { borrowed("heap_usable_size", heap) }) else { return 0 };
    heap.usable_size(block).unwrap_or_else(|refusal: Refusal| {
        report::report_refusal("heap_usable_size", block as usize, refusal);
        0
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn xalloc_heap_destroy(heap: *mut Slabs) {
    if heap.is_null() {
        return;
    }
    // SAFETY: as above; the program gives the heap up, with all its blocks.
    if let Some(heap) = unsafe { borrowed("heap_destroy", heap) } {
        drop(ManuallyDrop::into_inner(heap));
    }
}
