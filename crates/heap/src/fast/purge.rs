//! Giving back what has not been needed for a while, late and in bulk: touching a page again costs ten times what keeping
//! it would, so nothing is given back that was used in the last second, nor a part that is small beside the whole.
//!
//! There is no thread for it. Threads look at the clock now and then on their slow paths; a process that does nothing at
//! all keeps what it has.

use super::thread_heap::ThreadHeap;
use super::{FastHeap, Tuning};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use xalloc_os::clock;

/// How often a thread's classes are looked at for blocks at hand that it does not use, in milliseconds.
const CLASSES_EVERY: u32 = 1000;
/// What is never purged but by `malloc_trim`: this much, or a sixteenth of the most that was ever held.
const FLOOR: usize = 1 << 20;
const FLOOR_PART: usize = 16;
/// How much is purged at once, and how many milliseconds later the rest follows: half a millisecond's work or so.
const PORTION: usize = 16 << 20;
const NEXT_PORTION: u64 = 20;

/// When to purge.
pub struct Schedule {
    /// Between two purges, in milliseconds: what is purged has been free for at least that long.
    period: AtomicU64,
    due: AtomicU64,
    /// The most bytes that were held at a purge.
    peak: AtomicUsize,
}

impl Schedule {
    pub const fn new() -> Self {
        Self { period: AtomicU64::new(Tuning::SPEED.purge_delay), due: AtomicU64::new(0), peak: AtomicUsize::new(0) }
    }

    /// Sets the period. Before the first allocation.
    pub fn set_period(&self, milliseconds: u64) {
        // Relaxed: written before start-up ends, which orders it before every use.
        self.period.store(milliseconds, Ordering::Relaxed);
    }

    /// Whether the caller is the one to purge at the time `now`.
    fn is_due(&self, now: u64) -> bool {
        // Relaxed, all: a thread that sees an old time comes again; the exchange makes sure that one thread only is told.
        let due = self.due.load(Ordering::Relaxed);
        let next = now + self.period.load(Ordering::Relaxed);
        now >= due
            && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            // The first time, nothing has been free for long.
            && due != 0
    }

    fn come_again(&self, time: u64) {
        // Relaxed: see `is_due`.
        self.due.store(time, Ordering::Relaxed);
    }

    /// What to keep of `held` bytes.
    fn floor(&self, held: usize) -> usize {
        // Relaxed: only the thread whose turn it is comes here.
        let peak = self.peak.load(Ordering::Relaxed).max(held);
        self.peak.store(peak, Ordering::Relaxed);
        FLOOR.max(peak / FLOOR_PART)
    }
}

impl FastHeap {
    /// Looks at the clock, and does what is due. For slow paths that are taken now and then.
    pub(super) fn look_at_clock(&self, heap: &'static ThreadHeap) {
        let now = clock::coarse_milliseconds();
        if (now as u32).wrapping_sub(heap.classes_asked_at.get()) >= CLASSES_EVERY {
            heap.classes_asked_at.set(now as u32);
            self.ask_all(heap);
        }
        if self.schedule.is_due(now) {
            self.purge_surplus(now);
        }
    }

    fn purge_surplus(&self, now: u64) {
        self.huge.clean_surplus();
        let (arena, runs) = (self.arena.stats(), self.runs.stats());
        let dirty = arena.dirty + runs.dirty;
        let floor = self.schedule.floor(arena.in_slabs + runs.live + dirty);
        let surplus = dirty.saturating_sub(floor).min(PORTION);
        let given = self.runs.purge(surplus, true);
        let given = given + self.arena.purge(surplus.saturating_sub(given), true);
        if given >= PORTION {
            self.schedule.come_again(now + NEXT_PORTION);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_and_not_at_first() {
        let schedule = Schedule::new();
        assert!(!schedule.is_due(5000));
        assert!(!schedule.is_due(5999));
        assert!(schedule.is_due(6000));
        assert!(!schedule.is_due(6000));
        schedule.come_again(6020);
        assert!(!schedule.is_due(6019));
        assert!(schedule.is_due(6020));
        assert_eq!(schedule.floor(1 << 30), 1 << 26);
        assert_eq!(schedule.floor(0), 1 << 26);
    }
}
