//! The work of a background thread, if the process has one: it polls the clock while there is a surplus, so that memory is purged although
//! no other thread comes to a slow path any more. Without a surplus it sleeps, and nothing wakes it.

use super::FastHeap;
use xalloc_os::clock;

/// How many milliseconds it sleeps at least: the clock is as coarse as the kernel's tick.
const LEAST_SLEEP: u64 = 10;

impl FastHeap {
    /// Purges what is due whenever it is due, until the calling thread is to end. It needs no heap of its own.
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
