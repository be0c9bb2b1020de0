//! What all local heaps of a process share: address space, memory for their records, and a secret.

use super::records::FreeRecords;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::Key;
use xalloc_blocks::locked::Locked;
use xalloc_blocks::page_map;
use xalloc_blocks::purge_schedule::Schedule;
use xalloc_blocks::purge_scope::PurgeScope;
use xalloc_blocks::size_class::Class;
use xalloc_blocks::slab::Slab;
use xalloc_heap::{Misuse, Refusal};
use xalloc_os::{Lock, clock, random};

/// For how many milliseconds free slabs stay, at most.
const STAY: u64 = 1000;

/// What they share.
pub struct Shared {
    /// Where slabs come from.
    pub(super) back_end: BackEnd,
    /// Records of heaps that were destroyed, and of large blocks that were freed.
    pub(super) records: Locked<FreeRecords>,
    /// What links of free blocks and marks of heaps are encoded with; 0 before the first one.
    secret: AtomicUsize,
    schedule: Schedule,
    fork_locks: ForkLocks,
}

pub(super) static SHARED: Shared = Shared {
    back_end: BackEnd::new(),
    records: Locked::new(FreeRecords::new()),
    secret: AtomicUsize::new(0),
    schedule: Schedule::new(STAY),
    fork_locks: ForkLocks::new(),
};

/// Returns what all local heaps share.
pub fn shared() -> &'static Shared {
    &SHARED
}

impl Shared {
    /// Returns a slab that is in no list and not in the page map. `None` if there is no memory.
    pub fn take_slab(&self, class: &'static Class) -> Option<&'static Slab> {
        self.reclaiming(|| self.back_end.take_slab(class, false))
    }

    /// Takes a slab back. Now and then, slabs that have been free for a while are purged.
    ///
    /// # Safety
    /// The slab came from [`Shared::take_slab`], is the caller's, in no list, and no block of it is used.
    pub unsafe fn give_slab(&self, slab: &Slab) {
        // SAFETY: the caller's.
        unsafe { self.back_end.give_slab(slab) };
        if self.schedule.is_due(clock::coarse_milliseconds()) {
            self.back_end.purge(usize::MAX, PurgeScope::Aged);
        }
    }

    /// Returns the result of `attempt`, which has none when the kernel refuses memory: then once more after what is free was
    /// unmapped, if anything is.
    pub fn reclaiming<R>(&self, attempt: impl Fn() -> Option<R>) -> Option<R> {
        attempt().or_else(|| if release_unused() { attempt() } else { None })
    }

    /// Returns what an address is that is in no slab and no large block of the asking heap.
    pub fn refusal_at(&self, address: usize) -> Refusal {
        let is_free = page_map::entry(address).kind() == page_map::Entry::NONE.kind();
        if is_free && self.back_end.arena.contains(address) { Misuse::FreeMemory.into() } else { Refusal::NotMine }
    }

    /// Returns what links of free blocks are encoded with: the same in all local heaps of a process.
    pub fn key(&self) -> Key {
        Key::new(self.secret())
    }

    /// Returns what the record of a heap at this address has in it for as long as the heap lives.
    pub fn mark(&self, address: usize) -> usize {
        self.secret().rotate_left(17) ^ address
    }

    fn secret(&self) -> usize {
        // Relaxed, both: one word, which whoever comes first sets.
        match self.secret.load(Ordering::Relaxed) {
            0 => {
                let new = random::secret() | 1;
                self.secret.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed).err().unwrap_or(new)
            }
            secret => secret,
        }
    }

    fn locks(&self) -> impl Iterator<Item = &Lock> {
        core::iter::once(self.records.lock()).chain(self.back_end.locks())
    }
}

/// Purges free memory that local heaps share, but for about `keep` bytes. Returns whether any was purged.
pub fn trim(keep: usize) -> bool {
    SHARED.back_end.trim(keep)
}

/// Unmaps free memory that local heaps share, when the kernel has refused memory. Returns whether there was any that was not
/// there the last time.
pub fn release_unused() -> bool {
    SHARED.back_end.collect_unused() && {
        SHARED.back_end.trim(0);
        true
    }
}

/// Takes the locks of what local heaps share, before a fork: whichever heap serves the process, it may have local ones beside
/// it.
pub fn prefork() {
    SHARED.fork_locks.acquire(SHARED.locks());
}

/// Releases them, in the parent or in the child.
pub fn postfork(is_child: bool) {
    if is_child {
        SHARED.fork_locks.release_in_child(SHARED.locks());
    } else {
        SHARED.fork_locks.release_in_parent(SHARED.locks());
    }
}
