//! Giving back what has not been needed for a while, late and in bulk: touching a page again costs ten times what keeping
//! it would, so nothing is given back that was used in the last half of `purge_ms`.
//!
//! Threads look at the clock now and then on their slow paths. A process that does nothing at all keeps what it has, unless it has a
//! background thread ([`super::background`]).

use super::{FastHeap, Tuning};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use xalloc_blocks::arena::Which;

/// What is never purged but by `malloc_trim`.
const FLOOR: usize = 256 << 10;
/// How much is purged at once, and how many milliseconds later the rest follows: a millisecond's work or so.
const PORTION: usize = 32 << 20;
const NEXT_PORTION: u64 = 10;

/// When to purge.
pub struct Schedule {
    /// Between two purges, in milliseconds: what is purged has been free for at least that long, and at most twice.
    period: AtomicU64,
    due: AtomicU64,
    /// Whether the next purge comes early, for what the last one has left.
    is_portion: AtomicBool,
}

impl Schedule {
    pub const fn new() -> Self {
        Self {
            period: AtomicU64::new(Tuning::SPEED.purge_delay / 2),
            due: AtomicU64::new(0),
            is_portion: AtomicBool::new(false),
        }
    }

    /// Sets for how long memory stays that is free. Before the first allocation.
    pub fn set_delay(&self, milliseconds: u64) {
        // Relaxed: written before start-up ends, which orders it before every use.
        self.period.store(milliseconds / 2, Ordering::Relaxed);
    }

    /// How many milliseconds after `now` the next purge is due.
    pub fn until_due(&self, now: u64) -> u64 {
        // Relaxed: see `is_due`.
        self.due.load(Ordering::Relaxed).saturating_sub(now)
    }

    /// How many milliseconds are between two purges, as far as they fit.
    pub fn period(&self) -> u32 {
        // Relaxed: see `set_delay`.
        self.period.load(Ordering::Relaxed).try_into().unwrap_or(u32::MAX)
    }

    /// Whether the caller is the one to purge at the time `now`. See [`Schedule::takes_portion`].
    pub fn is_due(&self, now: u64) -> bool {
        // Relaxed, all: a thread that sees an old time comes again; the exchange makes sure that one thread only is told.
        let due = self.due.load(Ordering::Relaxed);
        let next = now + self.period.load(Ordering::Relaxed);
        now >= due
            && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            // The first time, nothing has been free for long.
            && due != 0
    }

    fn come_again(&self, time: u64) {
        // Relaxed, twice: see `is_due`.
        self.is_portion.store(true, Ordering::Relaxed);
        self.due.store(time, Ordering::Relaxed);
    }

    /// Whether this purge is only the next portion of the last one. Asked once by who was told that it is due.
    fn takes_portion(&self) -> bool {
        // Relaxed: see `is_due`.
        self.is_portion.swap(false, Ordering::Relaxed)
    }
}

impl FastHeap {
    /// Purges a portion of what has been free for long.
    pub(super) fn purge_surplus(&self, now: u64) {
        // Of a portion nothing was free for longer since the one before.
        let which = if self.schedule.takes_portion() { Which::AgedBefore } else { Which::Aged };
        if which == Which::Aged {
            self.release_unused();
        }
        self.huge.clean_surplus();
        let dirty = self.arena.stats().dirty + self.runs.stats().dirty;
        let surplus = dirty.saturating_sub(FLOOR).min(PORTION);
        let given = self.runs.purge(surplus, which);
        let given = given + self.arena.purge(surplus.saturating_sub(given), which);
        self.note_purge(given);
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
        assert!(!schedule.is_due(5499));
        assert!(schedule.is_due(5500));
        assert!(!schedule.is_due(5500));
        schedule.come_again(5520);
        assert!(!schedule.is_due(5519));
        assert!(schedule.is_due(5520));
    }
}
