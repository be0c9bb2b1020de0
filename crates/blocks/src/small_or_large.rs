//! What heaps do alike with blocks that have a size class, which are of slabs, and with blocks that have none.
//!
//! A heap implements [`SmallOrLarge`], and then the contract by its provided methods.

use crate::back_end::{BackEnd, with_room_to_grow};
use crate::huge::HugeBlock;
use crate::page_map;
use crate::runs;
use crate::size_class::{self, Class};
use crate::slab::Slab;
use core::ptr::null_mut;
use xalloc_heap::{Heap, Misuse, Refusal, realloc_by_copy};

/// A heap that serves sizes up to [`SmallOrLarge::MAX`] from slabs, and the others from a back end.
pub trait SmallOrLarge: Heap {
    /// The largest size that has a class, in bytes.
    const MAX: usize;

    /// Returns the class of the smallest block that holds `size` bytes, which are at most [`SmallOrLarge::MAX`].
    fn class_of(size: usize) -> usize;

    /// Returns the size classes. Index 0 is no class.
    fn classes(&self) -> &'static [Class];

    /// Returns the back end.
    fn back_end(&self) -> &BackEnd;

    /// Returns a block of a class, of the calling thread's heap. Null if there is no memory.
    fn take_small(&self, class: usize) -> *mut u8;

    /// Returns a run or a huge block, of zeros if it comes to that. `None` if there is no memory.
    fn take_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock>;

    /// Resizes a large block of `old` usable bytes where it is. Returns where it is then; `None` if it is to be copied.
    fn resize_in_place(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8>;

    /// Returns nothing if a block of the slab, which has this owner in the page map, starts at `address`, and is in use.
    ///
    /// # Errors
    /// What is wrong with the address.
    fn examine_small(&self, owner: usize, slab: &Slab, address: usize) -> Result<(), Misuse>;

    /// [`Heap::malloc`].
    #[inline]
    fn allocate(&self, size: usize) -> *mut u8 {
        if size > Self::MAX {
            start_of(self.take_large(size, 16, false))
        } else {
            self.take_small(Self::class_of(size))
        }
    }

    /// [`Heap::memalign`].
    fn allocate_aligned(&self, align: usize, size: usize) -> *mut u8 {
        if align <= 16 {
            return self.allocate(size);
        }
        match size_class::aligned(self.classes(), Self::class_of, align, size) {
            Some(class) => self.take_small(class),
            None => start_of(self.take_large(size, align, false)),
        }
    }

    /// [`Heap::calloc`].
    fn allocate_zeroed(&self, size: usize) -> *mut u8 {
        let (block, zeroed) = if size > Self::MAX {
            self.take_large(size, 16, true).map_or((null_mut(), true), |block| (block.start, block.zeroed))
        } else {
            (self.allocate(size), false)
        };
        if !block.is_null() && !zeroed {
            // SAFETY: a fresh block of at least `size` bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    /// [`Heap::realloc`]. A block that grows a little gets room to grow further.
    ///
    /// # Errors
    /// The block is none that is in use, for this reason.
    ///
    /// # Safety
    /// As [`Heap::realloc`].
    unsafe fn resize(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        let old = self.size_at(block as usize)?;
        if size <= old && size >= old / 2 && old <= Self::MAX {
            return Ok(block);
        }
        if let Some(resized) = self.resize_in_place(block, old, size) {
            return Ok(resized);
        }
        let malloc = || {
            let wanted = with_room_to_grow(old, size);
            let new = self.allocate(wanted);
            if new.is_null() && wanted != size { self.allocate(size) } else { new }
        };
        // SAFETY: the block has `old` bytes, as was found just now; the caller's that it is in use, and its to free.
        Ok(unsafe { realloc_by_copy(block, old, size, malloc, |block| self.free(block)) })
    }

    /// [`Heap::good_size`].
    fn size_for(&self, size: usize) -> usize {
        if size <= Self::MAX {
            return self.classes()[Self::class_of(size)].size as usize;
        }
        size.checked_next_multiple_of(runs::PAGE).unwrap_or(size)
    }

    /// Returns the usable size of the block in use that starts at this address. Any address may be asked about.
    ///
    /// # Errors
    /// What is wrong with the address.
    fn size_at(&self, address: usize) -> Result<usize, Refusal> {
        let entry = page_map::entry(address);
        let Some((owner, slab)) = Slab::of(entry) else { return self.back_end().size_at(address, entry) };
        self.examine_small(owner, slab, address)?;
        Ok(slab.shape().size as usize)
    }

    /// [`Heap::misuse_at`].
    fn misuse_of(&self, address: usize) -> Option<Misuse> {
        let entry = page_map::entry(address);
        match Slab::of(entry) {
            Some((owner, slab)) => self.examine_small(owner, slab, address).err(),
            None => self.back_end().misuse_at(address, entry),
        }
    }
}

fn start_of(block: Option<HugeBlock>) -> *mut u8 {
    block.map_or(null_mut(), |block| block.start)
}
