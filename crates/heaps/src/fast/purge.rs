//! Purging what has not been needed for a while, late and in bulk: touching a page again costs ten times what keeping
//! it would, so nothing is purged that was used in the last half of `purge_ms`.
//!
//! Threads poll the clock now and then on their slow paths. A process that does nothing at all keeps what it has, unless it has
//! a background thread (`purge_until_ended`).

use super::heap::FastHeap;
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_os::clock;

/// What is never purged but by `malloc_trim`.
const FLOOR: usize = 256 << 10;
/// How much is purged at once, and how many milliseconds later the rest follows: a millisecond's work or so.
const PORTION: usize = 32 << 20;
const NEXT_PORTION: u64 = 10;
/// How many milliseconds a background thread sleeps at least: the clock is as coarse as the kernel's tick.
const LEAST_SLEEP: u64 = 10;

impl FastHeap {
    /// Purges a portion of what has been free for long.
    pub(super) fn purge_surplus(&self, now: u64) {
        // Of a portion nothing was free for longer since the one before.
        let scope = if self.schedule.takes_portion() { PurgeScope::AgedBefore } else { PurgeScope::Aged };
        if scope == PurgeScope::Aged {
            self.release_unused();
        }
        self.back_end.huge.clean_surplus();
        let surplus = self.back_end.dirty().saturating_sub(FLOOR).min(PORTION);
        let given = self.back_end.purge(surplus, scope);
        self.note_purge(given);
        if given >= PORTION {
            self.schedule.defer_until(now + NEXT_PORTION);
        }
    }

    /// Purges what is due whenever it is due, until the calling thread is to end: the work of a background thread, which needs
    /// no heap of its own. It polls the clock while there is a surplus, so that memory is purged although no other thread comes
    /// to a slow path any more. Without a surplus it sleeps, and nothing wakes it.
    pub(super) fn purge_until_ended(&self) {
        loop {
            let due = self.schedule.until_due(clock::coarse_milliseconds());
            if !self.surplus.work().wait(due.max(LEAST_SLEEP)) {
                return;
            }
            let now = clock::coarse_milliseconds();
            if self.surplus.is_there() && self.schedule.is_due(now) {
                self.empty_all_previous();
                self.purge_surplus(now);
            }
        }
    }
}
