//! Holding hardly more than was once in use: free memory of one kind goes when another kind grows.
//!
//! Slabs, runs and huge blocks keep their free pages for the next blocks of their kind. A program that frees all of one kind
//! and goes on with another would hold both for a while, and be killed in a container that was made for what it needs. So
//! whenever a kind has grown, what is held is compared with the most that was ever in use; of what is beyond, but for some
//! slack, the other kinds give back what they can.

use super::FastHeap;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_blocks::arena::Which;

/// After how many bytes of growth this is looked at: so many, or that part of what is held, because it takes a look at every
/// chunk.
const STEP: usize = 4 << 20;
const STEP_PART: usize = 64;
/// How much more than what was once in use may be held: this, or that part of it.
const SLACK: usize = 16 << 20;
const SLACK_PART: usize = 16;

/// What serves a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Slab,
    Run,
    Huge,
}

/// Bytes in slabs, runs and huge blocks.
pub struct Held {
    /// In use.
    pub live: usize,
    /// Free, and maybe resident.
    pub free: usize,
    /// In use in huge blocks.
    pub huge: usize,
}

/// What was in use.
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
    pub const fn new() -> Self {
        Self {
            grown: AtomicUsize::new(0),
            due: AtomicUsize::new(STEP),
            peak: AtomicUsize::new(0),
            held_peak: AtomicUsize::new(0),
        }
    }

    /// The most that was ever seen to be held, when that is `held` now.
    pub fn held_peak(&self, held: usize) -> usize {
        // Relaxed: as in `grew`.
        self.held_peak.fetch_max(held, Ordering::Relaxed).max(held)
    }
}

impl FastHeap {
    /// Notes that blocks of a kind take `bytes` more than before.
    pub(super) fn grew(&self, kind: Kind, bytes: usize) {
        // Relaxed, both: how much it is need not be exact, and nothing else depends on it.
        let grown = self.footprint.grown.fetch_add(bytes, Ordering::Relaxed).wrapping_add(bytes);
        if grown >= self.footprint.due.load(Ordering::Relaxed) {
            self.make_room(kind, grown);
        }
    }

    /// What slabs, runs and huge blocks hold. Takes a look at every chunk.
    pub(super) fn held(&self) -> Held {
        let (arena, runs, huge) = (self.arena.stats(), self.runs.stats(), self.huge.stats());
        Held {
            live: arena.in_slabs + runs.live + huge.live,
            free: arena.dirty + runs.dirty + huge.kept,
            huge: huge.live,
        }
    }

    /// Gives back what the other kinds keep, as far as that is more than was once in use.
    fn make_room(&self, growing: Kind, grown: usize) {
        let Held { live, free, huge } = self.held();
        // Relaxed, both: as in `grew`.
        self.footprint.due.store(grown.saturating_add(STEP.max((live + free) / STEP_PART)), Ordering::Relaxed);
        let peak = self.footprint.peak.fetch_max(live, Ordering::Relaxed).max(live);
        self.footprint.held_peak(live + free - huge);
        let slack = if self.is_lean() { STEP } else { SLACK.max(peak / SLACK_PART) };
        let mut surplus = (live + free).saturating_sub(peak + slack);
        for kind in [Kind::Huge, Kind::Run, Kind::Slab] {
            if kind != growing && surplus > 0 {
                surplus = surplus.saturating_sub(match kind {
                    Kind::Huge => self.huge.purge(surplus),
                    Kind::Run => self.runs.purge(surplus, Which::Whole),
                    Kind::Slab => self.arena.purge(surplus, Which::Whole),
                });
            }
        }
    }
}
