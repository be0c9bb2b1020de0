//! The parts of a scalable heap, and how it can be tuned.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::thread_local::ThreadLocalHeap;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::early::Early;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::{Key, KeyCell};
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_blocks::purge_schedule::Schedule;
use xalloc_blocks::recycling::Recycling;
use xalloc_blocks::registry::Registry;
use xalloc_blocks::reporter::Reporter;
use xalloc_blocks::single_writer::Count32;
use xalloc_blocks::size_class::Class;

/// What a user may want of a scalable heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// When free slabs go back to the kernel.
    pub recycling: Recycling,
    /// How many slabs of a class a thread may have of its own; what it needs beyond that, it takes from the central lists.
    pub local_pages: usize,
    /// How many slabs the central list of a class gets when the class is used first.
    pub central_pages: usize,
    /// How many more slabs a class gets when it has no block left, in percent of those that it has; one at least.
    pub grow: usize,
    /// How many bytes of blocks that others freed may wait for a thread, before who frees more takes them back for it.
    pub queue_capacity: usize,
    /// How many threads' heaps are made when the process starts.
    pub thread_cache_count: usize,
    /// Whether slabs are large, 512 KiB, rather than 64 KiB.
    pub large_pages: bool,
    /// How many bytes of address space are reserved at first, if not as many as usual.
    pub arena_capacity: Option<usize>,
    /// Whether no more address space is reserved than is used.
    pub exact: bool,
    /// Whether another heap's hit paths come before this one's, which must find nothing behind the TLS word.
    pub is_behind: bool,
}

impl Tuning {
    /// The tuning unless the user wants another one.
    pub const SPEED: Self = Self {
        recycling: Recycling::Decay { milliseconds: 1000 },
        local_pages: usize::MAX,
        central_pages: 0,
        grow: 0,
        queue_capacity: 4 << 20,
        thread_cache_count: 0,
        large_pages: false,
        arena_capacity: None,
        exact: false,
        is_behind: false,
    };

    /// The tuning for as little memory as this design allows.
    pub const LEAN: Self =
        Self { recycling: Recycling::Immediate { threshold: 0 }, queue_capacity: 64 << 10, exact: true, ..Self::SPEED };
}

/// A heap for all threads: `C`, which has the slabs that no thread has, and an `L` for each thread. At most one in a process:
/// it keeps each thread's heap behind the one TLS word.
pub struct Scalable<C, L> {
    pub(super) central: C,
    pub(super) registry: Registry<L>,
    pub(super) back_end: BackEnd,
    pub(super) schedule: Schedule,
    pub(super) tuning: Early<Tuning>,
    pub(super) reporter: Reporter,
    pub(super) fork_locks: ForkLocks,
    /// How many forks led to this process from the one that started with this heap.
    pub(super) forks: Count32,
    /// What the links of free blocks are encoded with.
    pub(super) key: KeyCell,
    /// Bytes that went back to the back end, and were not purged since, when they are to be at once.
    pub(super) unpurged: AtomicUsize,
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns an empty heap.
    pub const fn new() -> Self {
        Self {
            central: CentralHeap::new(),
            registry: Registry::new(),
            back_end: BackEnd::new(),
            schedule: Schedule::new(Tuning::SPEED.recycling.milliseconds()),
            tuning: Early::new(Tuning::SPEED),
            reporter: Reporter::new(),
            fork_locks: ForkLocks::new(),
            forks: Count32::new(0),
            key: KeyCell::new(Key::new(0)),
            unpurged: AtomicUsize::new(0),
        }
    }

    /// Tunes the heap.
    ///
    /// # Safety
    /// Before the first allocation, and before another thread uses the heap.
    pub unsafe fn tune(&self, tuning: Tuning) {
        // SAFETY: the caller's: no other thread uses the heap yet.
        unsafe { self.tuning.set(tuning) };
        self.schedule.set_delay(tuning.recycling.milliseconds());
        let (milliseconds, is_lean) =
            (tuning.recycling.milliseconds(), matches!(tuning.recycling, Recycling::Immediate { .. }));
        self.back_end.huge.tune(milliseconds, is_lean);
        if tuning.exact {
            self.back_end.arena.reserve_on_demand();
        }
        if let Some(capacity) = tuning.arena_capacity {
            self.back_end.arena.reserve_first(capacity);
        }
    }

    /// Returns the table of the classes.
    pub(super) fn table(&self) -> &'static [Class; N] {
        T::table(self.tuning.get().large_pages)
    }

    /// Returns the class with this number.
    pub(super) fn class(&self, number: usize) -> &'static Class {
        &self.table()[number]
    }

    /// Counts bytes that went back to the back end, when those are purged at once. Returns whether there are enough for a
    /// purge.
    pub(super) fn note_unpurged(&self, bytes: usize) -> bool {
        /// A purge is a system call for each range of pages.
        const PORTION: usize = 1 << 20;
        if !matches!(self.tuning.get().recycling, Recycling::Immediate { .. }) {
            return false;
        }
        // Relaxed, both: a number; one thread that sees it large enough is enough.
        let unpurged = self.unpurged.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if unpurged >= PORTION {
            self.unpurged.store(0, Ordering::Relaxed);
        }
        unpurged >= PORTION
    }
}
