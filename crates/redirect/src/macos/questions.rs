//! Questions about the heap that libmalloc asks, and C on Linux does not.

use crate::{BOOTSTRAP, Heap, HeapRedirect};

impl<H: Heap> HeapRedirect<H> {
    /// Returns whether the heap has blocks of its own. It has none if it passes through to libmalloc.
    pub(super) fn has_own_blocks(&self) -> bool {
        self.heap().is_some_and(|heap| !heap.passes_through())
    }

    /// Returns the usable size of the block that starts at this address; 0 if the heap has none there. Takes any value:
    /// Objective-C's runtime passes addresses inside blocks, and tagged pointers.
    pub(super) fn owned_size(&self, block: *mut u8) -> usize {
        if BOOTSTRAP.owns(block) {
            return BOOTSTRAP.block_size(block as usize);
        }
        self.heap().filter(|heap| !heap.passes_through()).map_or(0, |heap| heap.block_size(block as usize))
    }

    /// Returns whether the address is in memory of the heap, whatever is there.
    pub(super) fn owns(&self, address: *mut u8) -> bool {
        let has = |heap: &H| heap.block_size(address as usize) != 0 || heap.misuse_at(address as usize).is_some();
        BOOTSTRAP.owns(address) || self.heap().is_some_and(|heap| !heap.passes_through() && has(heap))
    }
}
