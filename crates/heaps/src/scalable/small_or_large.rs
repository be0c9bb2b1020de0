//! What the heap answers [`SmallOrLarge`], which makes the contract of it.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use core::ptr::null_mut;
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::huge::HugeBlock;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_blocks::small_or_large::SmallOrLarge;
use xalloc_heap::Misuse;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> SmallOrLarge
    for Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>>
{
    const MAX: usize = T::MAX;

    #[inline(always)]
    fn class_of(size: usize) -> usize {
        T::class_of(size)
    }

    fn classes(&self) -> &'static [Class] {
        self.table()
    }

    fn back_end(&self) -> &BackEnd {
        &self.back_end
    }

    fn take_small(&self, class: usize) -> *mut u8 {
        self.with_heap(|heap| self.malloc_class(heap, class)).unwrap_or(null_mut())
    }

    fn take_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        self.malloc_large(size, align, zeros)
    }

    fn resize_in_place(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        self.resize_large(block, old, size)
    }

    fn examine_small(&self, owner: usize, slab: &Slab, address: usize) -> Result<(), Misuse> {
        self.examine(owner, slab, address)
    }
}
