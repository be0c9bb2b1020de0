//! The policy of holding hardly more than was once in use: free memory of one kind goes when another kind grows.
//!
//! Slabs, runs and huge blocks keep their free pages for the next blocks of their kind. A program that frees all of one kind
//! and goes on with another would hold both for a while, and be killed in a container that was made for what it needs. So
//! whenever a kind has grown, what is held is compared with the most that was ever in use; of what is beyond, but for some
//! slack, the other kinds purge what they can.

use crate::held::Held;
use core::sync::atomic::{AtomicUsize, Ordering};

/// After how many bytes of growth this is looked at: so many, or that part of what is held, because it takes a look at every
/// chunk.
const STEP: usize = 4 << 20;
const STEP_PART: usize = 64;
/// How much more than what was once in use may be held: this, or that part of it.
const SLACK: usize = 16 << 20;
const SLACK_PART: usize = 16;

/// How much was once in use.
pub struct Footprint {
    /// Bytes by which any kind has grown: slabs that were opened, pages that were fresh.
    grown: AtomicUsize,
    /// When it is to be looked at.
    due: AtomicUsize,
    /// The most that was in use when it was looked at.
    peak: AtomicUsize,
    /// The most that was held when it was looked at, huge blocks in use apart.
    held_peak: AtomicUsize,
}

impl Footprint {
    /// Returns the footprint of a heap in which nothing was in use yet.
    pub const fn new() -> Self {
        Self {
            grown: AtomicUsize::new(0),
            due: AtomicUsize::new(STEP),
            peak: AtomicUsize::new(0),
            held_peak: AtomicUsize::new(0),
        }
    }

    /// Returns the most that was ever seen to be held, `held` included, which is held now.
    pub fn held_peak(&self, held: usize) -> usize {
        // Relaxed: as in `grew`.
        self.held_peak.fetch_max(held, Ordering::Relaxed).max(held)
    }

    /// Notes that blocks of a kind take `bytes` more than before. Returns by how much all have grown, if it is time to ask for
    /// the [`surplus`](Self::surplus).
    pub fn grew(&self, bytes: usize) -> Option<usize> {
        // Relaxed, both: how much it is need not be exact, and nothing else depends on it.
        let grown = self.grown.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        (grown >= self.due.load(Ordering::Relaxed)).then_some(grown)
    }

    /// Returns how many bytes of `held` are more than was once in use, but for some slack: little if the heap `is_lean`.
    /// `grown` is what [`Footprint::grew`] returned.
    pub fn surplus(&self, held: &Held, grown: usize, is_lean: bool) -> usize {
        let &Held { live, free, huge } = held;
        // Relaxed, both: as in `grew`.
        self.due.store(grown.saturating_add(STEP.max((live + free) / STEP_PART)), Ordering::Relaxed);
        let peak = self.peak.fetch_max(live, Ordering::Relaxed).max(live);
        self.held_peak(live + free - huge);
        let slack = if is_lean { STEP } else { SLACK.max(peak / SLACK_PART) };
        (live + free).saturating_sub(peak + slack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_beyond_the_peak_and_the_slack_is_a_surplus() {
        let footprint = Footprint::new();
        assert_eq!(footprint.grew(STEP - 1), None);
        assert_eq!(footprint.grew(1), Some(STEP));
        let held = |live, free| Held { live, free, huge: 0 };
        assert_eq!(footprint.surplus(&held(100 << 20, 0), STEP, false), 0);
        assert_eq!(footprint.surplus(&held(50 << 20, 60 << 20), STEP, false), 0, "within the slack");
        assert_eq!(footprint.surplus(&held(50 << 20, 80 << 20), STEP, false), (130 - 100 - 16) << 20);
        assert_eq!(footprint.surplus(&held(50 << 20, 80 << 20), STEP, true), (130 - 100 - 4) << 20);
        assert_eq!(footprint.grew(STEP / 2), None);
        assert_eq!(footprint.held_peak(1), 130 << 20);
    }
}
