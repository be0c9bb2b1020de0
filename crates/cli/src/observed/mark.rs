//! The counts that a user has stored, to see what changes from then on. They stand in the segment.

use super::counts::Counts;
use rustix::time::{ClockId, clock_gettime};
use std::mem::offset_of;
use std::sync::atomic::Ordering;
use xalloc_observe::layout::{Counters, Header};
use xalloc_observe::reader::View;

/// What was stored.
#[derive(Clone, Debug)]
pub struct Mark {
    /// How long ago, in milliseconds.
    pub age: u64,
    /// What all threads had counted, by class.
    pub classes: Vec<Counts>,
}

impl Mark {
    /// Returns the mark of a segment, if there is one. `now` is the time.
    pub fn read(view: &View<'_>, now: u64) -> Option<Self> {
        // Acquire: who sees the time sees the counts.
        let marked = view.header_word(offset_of!(Header, marked)).load(Ordering::Acquire);
        (marked != 0).then(|| Self {
            age: now.saturating_sub(marked),
            classes: (0..view.classes()).map(|class| counts(view, class)).collect(),
        })
    }
}

fn counts(view: &View<'_>, class: usize) -> Counts {
    // Relaxed: published by the time.
    let at = |offset| view.mark(class, offset).load(Ordering::Relaxed);
    let remote_frees = at(offset_of!(Counters, remote_frees));
    Counts {
        allocations: at(offset_of!(Counters, allocations)),
        frees: at(offset_of!(Counters, frees)).wrapping_add(remote_frees),
        remote_frees,
        requested_bytes: at(offset_of!(Counters, requested)),
        allocated_bytes: at(offset_of!(Counters, allocated)),
        freed_bytes: at(offset_of!(Counters, freed)),
    }
}

/// Stores counts by class as the mark. The peak begins anew with what is live.
pub fn store(view: &View<'_>, classes: &[Counts]) {
    for (class, counts) in classes.iter().enumerate() {
        // Relaxed: published by the time.
        let store = |offset, value| view.mark(class, offset).store(value, Ordering::Relaxed);
        store(offset_of!(Counters, allocations), counts.allocations);
        store(offset_of!(Counters, frees), counts.frees.wrapping_sub(counts.remote_frees));
        store(offset_of!(Counters, remote_frees), counts.remote_frees);
        store(offset_of!(Counters, requested), counts.requested_bytes);
        store(offset_of!(Counters, allocated), counts.allocated_bytes);
        store(offset_of!(Counters, freed), counts.freed_bytes);
    }
    let live = view.header_word(offset_of!(Header, live)).load(Ordering::Relaxed);
    // Relaxed: the process adds to it at any time. A sum that is negative for a moment is no peak.
    view.header_word(offset_of!(Header, peak)).store((live as i64).max(0) as u64, Ordering::Relaxed);
    view.header_word(offset_of!(Header, marked)).store(now(), Ordering::Release);
}

/// Returns the time, in milliseconds of the clock that segments have.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}
