//! Containers in a local heap, through the trait of the crate `allocator-api2`.

use allocator_api2::alloc::{AllocError, Allocator};
use core::alloc::Layout;
use core::ptr::NonNull;
use xalloc_heaps::local::{LocalHeap, OneThread};

/// A local heap that containers take as their allocator.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use xalloc_global::{Contained, LocalHeap, LocalPow2};
///
/// let heap = Contained::from(LocalHeap::<LocalPow2>::new().expect("memory for a heap"));
/// let mut numbers = Vec::new_in(&heap);
/// numbers.extend(0..1000);
/// assert_eq!(numbers[999], 999);
/// ```
///
/// A container cannot outlive its heap, nor go to another thread:
///
/// ```compile_fail,E0505
/// # use allocator_api2::vec::Vec;
/// # use xalloc_global::{Contained, LocalHeap, LocalPow2};
/// let heap = Contained::from(LocalHeap::<LocalPow2>::new().unwrap());
/// let numbers = Vec::<u8, _>::new_in(&heap);
/// drop(heap);
/// drop(numbers);
/// ```
///
/// ```compile_fail,E0277
/// # use allocator_api2::vec::Vec;
/// # use xalloc_global::{Contained, LocalHeap, LocalPow2};
/// let heap = Contained::from(LocalHeap::<LocalPow2>::new().unwrap());
/// let numbers = Vec::<u8, _>::new_in(&heap);
/// std::thread::scope(|scope| {
///     scope.spawn(move || drop(numbers));
/// });
/// ```
pub struct Contained<H: OneThread + 'static>(LocalHeap<H>);

impl<H: OneThread> From<LocalHeap<H>> for Contained<H> {
    fn from(heap: LocalHeap<H>) -> Self {
        Self(heap)
    }
}

impl<H: OneThread> Contained<H> {
    fn allocate_block(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = NonNull::new(self.0.memalign(layout.align(), layout.size())).ok_or(AllocError)?;
        Ok(NonNull::slice_from_raw_parts(block, layout.size()))
    }
}

// SAFETY: blocks stay valid until they are freed or the heap is dropped, which the reference outlives; a copy of the reference
// is the same heap.
unsafe impl<H: OneThread> Allocator for &Contained<H> {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        self.allocate_block(layout)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, _layout: Layout) {
        // SAFETY: the trait's user frees a block that this heap allocated, and uses it no more. The heap refuses nothing then.
        let freed = unsafe { self.0.free(block.as_ptr()) };
        debug_assert!(freed.is_ok(), "{freed:?}");
    }

    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if new.align() <= 16
            && let Ok(usable) = self.0.usable_size(block.as_ptr())
            && new.size() <= usable
        {
            return Ok(NonNull::slice_from_raw_parts(block, new.size()));
        }
        let grown = self.allocate_block(new)?;
        // SAFETY: both blocks are in use and disjoint, and the new one is at least as large; the user gave the old one up.
        unsafe {
            grown.cast::<u8>().copy_from_nonoverlapping(block, old.size());
            self.deallocate(block, old);
        }
        Ok(grown)
    }
}
