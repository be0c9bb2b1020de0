//! How often locks were taken and addresses looked up: counted in debug builds only, for tests that say how often something
//! does so.

use core::sync::atomic::{AtomicUsize, Ordering};

/// A count of events.
pub struct Tally(AtomicUsize);

/// Entries into [`Locked`](crate::locked::Locked).
pub static LOCKS: Tally = Tally(AtomicUsize::new(0));
/// Calls of [`page_map::entry`](crate::page_map::entry).
pub static LOOK_UPS: Tally = Tally(AtomicUsize::new(0));

impl Tally {
    /// Counts one, in a debug build.
    #[inline(always)]
    pub fn count(&self) {
        if cfg!(debug_assertions) {
            // Relaxed: a number, read by a test that has one thread.
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns how many events there were while `f` ran.
    pub fn during(&self, f: impl FnOnce()) -> usize {
        // Relaxed, twice: see `count`.
        let before = self.0.load(Ordering::Relaxed);
        f();
        self.0.load(Ordering::Relaxed) - before
    }
}
