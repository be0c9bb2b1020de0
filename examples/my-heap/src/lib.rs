//! A heap whose every block is a mapping of its own: slow, large, and complete.
//!
//! Build it with `cargo build --release -p my-heap`, and run any program on it:
//! `LD_PRELOAD=target/release/libmy_heap.so python3 -c 'print("hello")'`.

#![no_std]

use xalloc_os::pages::{self, Aligned};
use xalloc_redirect::{Heap, Refusal};

struct MyHeap;

/// Before each block: the mapping it is in.
const HEADER: usize = size_of::<Aligned>();

fn mapping(block: *mut u8) -> Aligned {
    // SAFETY: `memalign` put it there.
    unsafe { block.sub(HEADER).cast::<Aligned>().read() }
}

// SAFETY: mappings are disjoint, and each holds its block behind a header of its own.
unsafe impl Heap for MyHeap {
    fn malloc(&self, size: usize) -> *mut u8 {
        self.memalign(16, size)
    }

    fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        // In front of the block, one alignment's worth of room holds the header.
        let room = align.max(HEADER.next_power_of_two());
        let Some(found) = pages::map_aligned(room + size, room) else { return core::ptr::null_mut() };
        let block = (found.start + room) as *mut u8;
        // SAFETY: fresh memory, ours, with at least a header's room before the block.
        unsafe { block.sub(HEADER).cast::<Aligned>().write(found) };
        block
    }

    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        let Aligned { base, length, .. } = mapping(block);
        // SAFETY: the block's own mapping. If the kernel keeps it, it is lost, which this heap lives with.
        let _ = unsafe { pages::unmap(base, length) };
        Ok(())
    }

    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        let Aligned { base, length, .. } = mapping(block);
        Ok(base + length - block as usize)
    }
}

xalloc_redirect::panic_handler!();
xalloc_redirect::interpose!(MyHeap);
