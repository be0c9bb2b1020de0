//! What the heap answers [`SmallOrLarge`], which makes the contract of it.

use super::classes::{self, TABLE, class_of};
use super::heap::FastHeap;
use core::ptr::null_mut;
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::huge::HugeBlock;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::small_or_large::SmallOrLarge;
use xalloc_heap::Misuse;

impl SmallOrLarge for FastHeap {
    const MAX: usize = classes::MAX;

    #[inline(always)]
    fn class_of(size: usize) -> usize {
        class_of(size)
    }

    fn classes(&self) -> &'static [Class] {
        &TABLE
    }

    fn back_end(&self) -> &BackEnd {
        &self.back_end
    }

    #[inline]
    fn take_small(&self, class: usize) -> *mut u8 {
        self.with_heap(|heap| self.malloc_class(heap, class)).unwrap_or(null_mut())
    }

    fn take_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        self.malloc_large(size, align, zeros)
    }

    fn resize_in_place(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        self.resize_large(block, old, size)
    }

    fn examine_small(&self, bin: usize, slab: &Slab, address: usize) -> Result<(), Misuse> {
        self.examine(bin, slab, address)
    }
}
