//! A thread's own heap, with what a thread that ticks has beside it.

use super::classes::{CLASSES, TABLE};
use super::ticking::{Rations, Ticking};
use xalloc_blocks::cached::Cached;
use xalloc_blocks::free_list::Key;
use xalloc_blocks::thread_heap;

/// The heap of one thread. What `malloc` takes from while the thread ticks is on a page of its own, which other threads do not
/// touch.
pub type ThreadHeap = thread_heap::ThreadHeap<CLASSES, Ticking, Rations>;

const PAGE: usize = 4096;

const _: () = assert!(ThreadHeap::FIRST_PAGES == PAGE && size_of::<ThreadHeap>() == 4 * PAGE);

/// A heap whose thread may tick.
pub trait Ticks {
    /// Returns whether and how its thread ticks.
    fn ticking(&self) -> &Ticking;

    /// Returns what its thread's mallocs take from while it ticks.
    fn rations(&self) -> &Rations;

    /// Returns what is cached, in rations too.
    fn all_cached(&self) -> Cached;

    /// Counts what is cached anew, if it may be miscounted. A list that was written to ends where that shows.
    fn recount_all(&self, key: Key);
}

impl Ticks for ThreadHeap {
    #[inline(always)]
    fn ticking(&self) -> &Ticking {
        self.extra()
    }

    #[inline(always)]
    fn rations(&self) -> &Rations {
        self.pages()
    }

    fn all_cached(&self) -> Cached {
        let rations = TABLE[1..].iter().map(|class| Cached::of(class, self.rations().length(class.number as usize)));
        let rations = if self.ticking().is_on() { rations.sum() } else { Cached::default() };
        [self.cache().all_cached(&TABLE), rations].into_iter().sum()
    }

    fn recount_all(&self, key: Key) {
        if !self.take_miscounted() {
            return;
        }
        for class in 1..CLASSES {
            self.cache().recount(class, key);
            if self.ticking().is_on() {
                self.rations().recount(class, key);
            }
        }
    }
}
