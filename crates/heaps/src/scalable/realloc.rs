//! `realloc` between all kinds of blocks.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::back_end::with_room_to_grow;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_heap::Refusal;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Resizes a block of `old` usable bytes.
    ///
    /// # Safety
    /// A live block of this heap.
    pub(super) unsafe fn realloc_from(&self, block: *mut u8, old: usize, size: usize) -> Result<*mut u8, Refusal> {
        if size <= old && size >= old / 2 && old <= T::MAX {
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
}
