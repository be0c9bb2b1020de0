//! `realloc` of a block that the thread has cached another one for.

use super::heap::FastHeap;
use xalloc_blocks::back_end::with_room_to_grow;

impl FastHeap {
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
