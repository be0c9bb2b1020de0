//! What libmalloc asks of the heap, and C on Linux does not.

use crate::{BOOTSTRAP, Heap, HeapRedirect};

impl<H: Heap> HeapRedirect<H> {
    /// Whether blocks are the heap's own: not if it passes through to libmalloc's.
    pub(super) fn has_own_blocks(&self) -> bool {
        self.heap().is_some_and(|heap| !heap.passes_through())
    }

    /// The usable size of one of the heap's blocks; 0 for any other value, which is never followed.
    pub(super) fn owned_size(&self, block: *mut u8) -> usize {
        // SAFETY: both are asked for what they own.
        unsafe {
            if BOOTSTRAP.owns(block) {
                return BOOTSTRAP.usable_size(block);
            }
            match self.heap() {
                Some(heap) if !heap.passes_through() && heap.owns(block) => heap.usable_size(block),
                _ => 0,
            }
        }
    }

    /// The usable size that a request gets.
    pub(super) fn good_size(&self, size: usize) -> usize {
        self.heap().map_or(size, |heap| heap.good_size(size))
    }

    /// [`Heap::for_each_live`].
    pub(super) fn for_each_live(&self, each: &mut dyn FnMut(*mut u8, usize)) -> bool {
        self.heap().is_some_and(|heap| heap.for_each_live(each))
    }
}
