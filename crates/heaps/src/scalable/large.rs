//! Blocks without a size class.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::back_end::Resized;
use xalloc_blocks::huge::HugeBlock;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_os::clock;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns a run or a huge block, of zeros if it comes to that. `None` if there is no memory.
    pub(super) fn malloc_large(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        self.purge_if_due(clock::coarse_milliseconds());
        let own = ThreadLocalHeap::<N, T>::own();
        let (kind, block) = self.reclaiming(own, 0, || self.back_end.allocate(size, align, zeros))?;
        if block.zeroed {
            self.back_end.grew(kind, size, self.tuning.get().exact);
        }
        Some(block)
    }

    /// Resizes a large block of `old` usable bytes without copying it. `None` if it is to be copied.
    pub(super) fn resize_large(&self, block: *mut u8, old: usize, size: usize) -> Option<*mut u8> {
        let own = ThreadLocalHeap::<N, T>::own();
        let attempt = || match self.back_end.resize(block as usize, size, T::MAX + 1) {
            Resized::Refused if size > old => None,
            resized => Some(resized),
        };
        let Resized::At(kind, resized) = self.reclaiming(own, 0, attempt)? else { return None };
        if size > old {
            self.back_end.grew(kind, size - old, self.tuning.get().exact);
        } else {
            self.released(old - size);
        }
        Some(resized)
    }
}
