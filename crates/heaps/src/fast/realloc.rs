//! `realloc` between all kinds of blocks.

use super::classes;
use super::heap::FastHeap;
use xalloc_blocks::back_end::with_room_to_grow;
use xalloc_heap::Refusal;

impl FastHeap {
    /// Resizes a block of `old` usable bytes.
    ///
    /// # Safety
    /// A live block of this heap.
    pub(super) unsafe fn realloc_from(&self, block: *mut u8, old: usize, size: usize) -> Result<*mut u8, Refusal> {
        if size <= old && size >= old / 2 && old <= classes::MAX {
            return Ok(block);
        }
        if let Some(resized) = self.resize_large(block, old, size) {
            return Ok(resized);
        }
        let wanted = with_room_to_grow(old, size);
        let mut new = self.allocate(wanted);
        if new.is_null() && wanted != size {
            new = self.allocate(size);
        }
        if new.is_null() {
            // A block that need not grow is good enough as it is.
            return Ok(if size <= old { block } else { new });
        }
        // SAFETY: both blocks are live and disjoint, and the copy fits in both.
        unsafe {
            new.copy_from_nonoverlapping(block, old.min(size));
            // It was found to be a block just now.
            let _ = self.free_block(block);
        }
        Ok(new)
    }

    /// Moves a block of `old` usable bytes that belongs in `bin`, one of this thread's, if there is another one cached. Returns
    /// null if not, and nothing was done.
    ///
    /// # Safety
    /// The block is the caller's, and belongs in the bin.
    #[inline(never)]
    pub(super) unsafe fn move_cached(&self, bin: usize, block: *mut u8, old: usize, size: usize) -> *mut u8 {
        let new = self.pop_of_size(with_room_to_grow(old, size));
        if !new.is_null() {
            // SAFETY: both blocks are live and disjoint, and the copy fits in both; then the old one is freed.
            unsafe {
                new.copy_from_nonoverlapping(block, old.min(size));
                self.push(bin, block.cast());
            }
        }
        new
    }
}
