//! What a thread does now and then on its slow paths: it sends what it freed of others' blocks, and polls the clock.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::recycling::Recycling;
use xalloc_os::clock;

/// How often a thread's classes are scanned for cached blocks that it does not use, in milliseconds.
const SCAN_EVERY: u32 = 1000;

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Counts blocks that went through a slow path, and does what is to be done now and then.
    pub(super) fn count_slow(&self, heap: &'static ThreadLocalHeap<N, T>, blocks: usize) {
        if heap.count_slow(blocks) {
            let _change = heap.change();
            self.send_all(heap);
            self.poll_clock(heap);
        }
    }

    fn poll_clock(&self, heap: &'static ThreadLocalHeap<N, T>) {
        let now = clock::coarse_milliseconds();
        if heap.is_scan_due(now, SCAN_EVERY) {
            heap.note_scan(now);
            self.scan(heap, N - 1, 0);
        }
        self.purge_if_due(now);
    }

    /// Purges what has not been used for a while, if it is time for that.
    pub(super) fn purge_if_due(&self, now: u64) {
        if matches!(self.tuning.get().recycling, Recycling::Decay { .. }) && self.schedule.is_due(now) {
            self.purge_aged();
        }
    }

    /// Scans the next `count` classes in turn: of those that are idle, nothing stays cached. Not `busy`, which the caller is
    /// changing.
    pub(super) fn scan(&self, heap: &'static ThreadLocalHeap<N, T>, count: usize, busy: usize) {
        for _ in 0..count {
            if let Some(idle) = heap.cache().scan_next(self.table(), busy, |_| 0) {
                self.empty_bin(heap, idle);
            }
        }
    }
}
