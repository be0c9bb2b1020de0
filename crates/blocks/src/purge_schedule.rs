//! The policy of when to purge: late and in bulk, because touching a page again costs ten times what keeping it would.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// When to purge.
pub struct Schedule {
    /// Between two purges, in milliseconds: what is purged has been free for at least that long, and at most twice.
    period: AtomicU64,
    due: AtomicU64,
    /// Whether the next purge comes early, for what the last one has left.
    is_portion: AtomicBool,
}

impl Schedule {
    /// Returns the schedule by which memory that is free stays for so many milliseconds at most, and half as many at least.
    pub const fn new(delay: u64) -> Self {
        Self { period: AtomicU64::new(delay / 2), due: AtomicU64::new(0), is_portion: AtomicBool::new(false) }
    }

    /// Sets for how long memory stays that is free. Called before the first allocation.
    pub fn set_delay(&self, milliseconds: u64) {
        // Relaxed: written before start-up ends, and so before the first block is handed out; what comes earlier, a `free` of
        // another allocator's block, does not come here.
        self.period.store(milliseconds / 2, Ordering::Relaxed);
    }

    /// Returns how many milliseconds after `now` the next purge is due.
    pub fn until_due(&self, now: u64) -> u64 {
        // Relaxed: see `is_due`.
        self.due.load(Ordering::Relaxed).saturating_sub(now)
    }

    /// Returns how many milliseconds are between two purges, as far as they fit.
    pub fn period(&self) -> u32 {
        // Relaxed: see `set_delay`.
        self.period.load(Ordering::Relaxed).try_into().unwrap_or(u32::MAX)
    }

    /// Returns whether a purge is due at the time `now`: true for one caller only, which purges. See
    /// [`Schedule::takes_portion`].
    pub fn is_due(&self, now: u64) -> bool {
        // Relaxed, all: a thread that sees an old time comes again; the exchange makes sure that one thread only is told.
        let due = self.due.load(Ordering::Relaxed);
        let next = now + self.period.load(Ordering::Relaxed);
        now >= due
            && self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            // The first time, nothing has been free for long.
            && due != 0
    }

    /// Has the next purge come early, at the time `time`, for what this one leaves.
    pub fn defer_until(&self, time: u64) {
        // Relaxed, twice: see `is_due`.
        self.is_portion.store(true, Ordering::Relaxed);
        self.due.store(time, Ordering::Relaxed);
    }

    /// Returns whether this purge is only the next portion of the last one. Called once by the thread for which a purge was
    /// due.
    pub fn takes_portion(&self) -> bool {
        // Relaxed: see `is_due`.
        self.is_portion.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_told_and_not_at_first() {
        let schedule = Schedule::new(1000);
        assert!(!schedule.is_due(5000));
        assert!(!schedule.is_due(5499));
        assert!(schedule.is_due(5500));
        assert!(!schedule.is_due(5500));
        schedule.defer_until(5520);
        assert!(!schedule.is_due(5519));
        assert!(schedule.is_due(5520));
    }
}
