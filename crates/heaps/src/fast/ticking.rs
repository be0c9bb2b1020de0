//! Threads that tick: while there is memory to purge ([`xalloc_blocks::surplus`]), a thread's mallocs come to a slow path now
//! and then, however little the thread does, and there it polls the clock. Otherwise a thread that frees and allocates the same
//! few blocks would never leave its hit paths, and keep what it has.
//!
//! The thread's one TLS word points at a second set of bins then, on a page of its own: `malloc` takes from there, `free` puts
//! into the first set as always, because that is what the page map has. So what is freed is not what is allocated next, and
//! each list of the second set is a *ration*: when it is used up, the slow path hands out another one, of one block if the
//! thread has little to do and of [`MOST`] at most. The hit paths are the same instructions in both states.

use super::classes::CLASSES;
use core::ptr::null_mut;
use xalloc_blocks::bin::Bin;
use xalloc_blocks::free_list::{Key, List};
use xalloc_blocks::single_writer::{Count16, Count32};
use xalloc_blocks::thread_cache;
use xalloc_os::thread::Phase;

/// The most blocks of a ration. A thread that was busy and has little to do from now on comes to a slow path after so many
/// mallocs of a class. Other numbers, 8 and 128, gave the same times.
const MOST: u16 = 32;
/// A thread that used up a ration within so many milliseconds, which is within a few ticks of the kernel's clock, is busy.
const SOON: u32 = 16;

/// Whether a thread ticks, and how large its rations are. Zeroed memory is one that does not.
pub struct Ticking {
    /// When the last ration was used up, in milliseconds.
    ticked_at: Count32,
    /// How many blocks a ration has; 0 when the thread does not tick.
    ration_size: Count16,
}

impl Ticking {
    /// Returns whether the thread's mallocs take from the rations.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.ration_size.get() != 0
    }

    /// Returns how many blocks a ration has.
    pub fn ration_size(&self) -> usize {
        self.ration_size.get() as usize
    }

    /// Has the thread tick from the time `now` on.
    pub fn begin(&self, now: u64) {
        self.ration_size.set(MOST);
        self.ticked_at.set(now as u32);
    }

    /// Has the thread tick no more.
    pub fn end(&self) {
        self.ration_size.set(0);
    }

    /// Notes that a ration is used up at the time `now`, and how large the next ones are. Returns whether that took some time.
    pub fn tick(&self, now: u64) -> bool {
        let passed = (now as u32).wrapping_sub(self.ticked_at.get());
        self.ticked_at.set(now as u32);
        let size = self.ration_size.get();
        self.ration_size.set(match passed {
            0 => (2 * size).min(MOST),
            1..SOON => (size / 2).max(1),
            _ => 1,
        });
        passed > 0
    }
}

/// The second set of bins. Their `room` counts what was taken; their other words are not used.
#[repr(C, align(4096))]
pub struct Rations([Bin; CLASSES]);

impl Rations {
    /// Returns the ration of a class.
    pub fn bin(&self, class: usize) -> &Bin {
        &self.0[class]
    }

    /// Returns how many blocks of the ration are left.
    pub fn length(&self, class: usize) -> usize {
        self.0[class].left()
    }

    /// Makes a list the ration of a class.
    ///
    /// # Safety
    /// The blocks are of the class, free, and the calling thread's, as the rations are. The ration is used up, or its blocks
    /// are in `list`.
    pub unsafe fn set(&self, class: usize, list: List) {
        // SAFETY: free blocks of the class; the bin is the calling thread's, and no block is lost with its old list.
        unsafe { self.0[class].fill(list) };
    }

    /// Takes what is left of the ration.
    pub fn take(&self, class: usize) -> List {
        let list = List { head: self.0[class].head(), count: self.length(class) };
        // SAFETY: no blocks; those of the ration are the caller's.
        unsafe { self.set(class, List { head: null_mut(), count: 0 }) };
        list
    }

    /// Counts the blocks of a ration anew.
    pub fn recount(&self, class: usize, key: Key) {
        let head = self.0[class].head();
        // SAFETY: the ration's own list.
        unsafe { self.set(class, List { head, count: thread_cache::count(head, key) }) };
    }

    /// Returns a fingerprint of a ration.
    pub fn fingerprint(&self, class: usize) -> usize {
        thread_cache::fingerprint(&self.0[class])
    }

    /// Returns whether the calling thread's mallocs take from here.
    pub fn are_in_use(&self) -> bool {
        Phase::current() == self.phase()
    }

    /// Has the calling thread's mallocs take from here.
    pub fn enter(&self) {
        self.phase().enter();
    }

    fn phase(&self) -> Phase {
        // By the word its heap is found, so it must not be a pointer to the rations only.
        Phase::Cached(core::ptr::with_exposed_provenance_mut(core::ptr::from_ref(self).addr()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rations_shrink_for_a_thread_that_has_little_to_do() {
        let ticking = Ticking { ticked_at: Count32::new(0), ration_size: Count16::new(0) };
        assert!(!ticking.is_on());
        ticking.begin(1000);
        assert_eq!((ticking.is_on(), ticking.ration_size()), (true, MOST as usize));
        assert!(!ticking.tick(1000));
        assert_eq!(ticking.ration_size(), MOST as usize);
        assert!(ticking.tick(1004));
        assert_eq!(ticking.ration_size(), MOST as usize / 2);
        assert!(ticking.tick(1004 + 2 * u64::from(SOON)));
        assert_eq!(ticking.ration_size(), 1);
        assert!(!ticking.tick(1004 + 2 * u64::from(SOON)));
        assert_eq!(ticking.ration_size(), 2);
        ticking.end();
        assert!(!ticking.is_on());
    }
}
