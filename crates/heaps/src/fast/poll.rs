//! What a thread does now and then on its slow paths: it sends what it freed of others' blocks, polls the clock, and ticks
//! while there is a surplus.

use super::classes::{CLASSES, TABLE};
use super::heap::FastHeap;
use super::thread_heap::{ThreadHeap, Ticks};
use xalloc_os::clock;
use xalloc_os::thread::Phase;

/// How often a thread's classes are scanned for cached blocks that it does not use, in milliseconds.
const SCAN_EVERY: u32 = 1000;

impl FastHeap {
    /// Counts blocks that went through a slow path, and does what is to be done now and then.
    pub(super) fn count_slow(&self, heap: &'static ThreadHeap, blocks: usize) {
        if heap.count_slow(blocks) {
            let _change = heap.change();
            self.send_all(heap);
            self.poll_clock(heap);
        }
        if self.surplus.is_there() {
            self.start_ticking(heap);
        }
    }

    /// Polls the clock, and does what is due.
    pub(super) fn poll_clock(&self, heap: &'static ThreadHeap) {
        let now = clock::coarse_milliseconds();
        if heap.is_scan_due(now, self.scan_every(heap)) {
            heap.note_scan(now);
            self.scan(heap, CLASSES - 1, 0);
        }
        if self.schedule.is_due(now) {
            self.purge_surplus(now);
        }
    }

    /// Polls the clock in a slow path that has nothing to do with the thread's heap, and does what is due. A thread that has
    /// only freed large blocks so far may have no heap.
    pub(super) fn poll_clock_of_own(&self) {
        let now = clock::coarse_milliseconds();
        let Some(heap) = ThreadHeap::own() else {
            if self.schedule.is_due(now) {
                self.purge_surplus(now);
            }
            return;
        };
        // Access to the heap is an atomic operation, and mostly there is nothing to do.
        if heap.is_scan_due(now, self.scan_every(heap)) || self.schedule.until_due(now) == 0 {
            let _change = heap.change();
            self.poll_clock(heap);
        }
        if self.surplus.is_there() {
            self.start_ticking(heap);
        }
    }

    /// Returns how many milliseconds are between two scans. While there is memory to purge, what is idle in bins becomes a part
    /// of it in time.
    fn scan_every(&self, heap: &ThreadHeap) -> u32 {
        if heap.ticking().is_on() { SCAN_EVERY.min(self.schedule.period()) } else { SCAN_EVERY }
    }

    /// Scans the next `count` classes in turn: of those that are idle, nothing stays cached. Not `busy`, which the caller is
    /// changing.
    pub(super) fn scan(&self, heap: &'static ThreadHeap, count: usize, busy: usize) {
        let beside = |class| if heap.ticking().is_on() { heap.rations().fingerprint(class) } else { 0 };
        for _ in 0..count {
            if let Some(idle) = heap.cache().scan_next(&TABLE, busy, beside) {
                self.empty_bin(heap, idle);
            }
        }
    }

    /// Has the heap's thread tick, which is the calling one.
    pub(super) fn start_ticking(&self, heap: &'static ThreadHeap) {
        let word = core::ptr::from_ref(heap).cast_mut().cast();
        if heap.ticking().is_on() || Phase::current() != Phase::Cached(word) {
            return;
        }
        heap.ticking().begin(clock::coarse_milliseconds());
        heap.rations().enter();
    }

    /// Notes that a ration is used up, and polls the clock if that took some time.
    pub(super) fn tick(&self, heap: &'static ThreadHeap) {
        if heap.ticking().tick(clock::coarse_milliseconds()) {
            self.poll_clock(heap);
            if !self.surplus.is_there() {
                self.stop_ticking(heap);
            }
        }
    }

    /// Answers a nudge, for the owner of the bin in a slow path: its next frees take the hit path again, and it ticks.
    pub(super) fn answer_nudge(&self, heap: &'static ThreadHeap) {
        heap.cache().answer_nudge(&TABLE);
        if self.surplus.is_there() {
            self.start_ticking(heap);
        }
    }
}
