//! What libmalloc asks of the heap, and C on Linux does not.

use crate::{BOOTSTRAP, Heap, HeapRedirect};

impl<H: Heap> HeapRedirect<H> {
    /// Whether blocks are the heap's own: not if it passes through to libmalloc's.
    pub(super) fn has_own_blocks(&self) -> bool {
        self.heap().is_some_and(|heap| !heap.passes_through())
    }

    /// The usable size of the block that starts at this address; 0 if none of the heap's does. Any value may be asked about:
    /// Objective-C's runtime does so with addresses inside of blocks, and with tagged pointers.
    pub(super) fn owned_size(&self, block: *mut u8) -> usize {
        if BOOTSTRAP.owns(block) {
            return BOOTSTRAP.block_size(block as usize);
        }
        self.heap().filter(|heap| !heap.passes_through()).map_or(0, |heap| heap.block_size(block as usize))
    }

    /// Whether the address is in memory of the heap's, whatever is there.
    pub(super) fn owns(&self, address: *mut u8) -> bool {
        let has = |heap: &H| heap.block_size(address as usize) != 0 || heap.misuse_at(address as usize).is_some();
        BOOTSTRAP.owns(address) || self.heap().is_some_and(|heap| !heap.passes_through() && has(heap))
    }
}
