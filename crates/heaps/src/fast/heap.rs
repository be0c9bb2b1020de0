//! The default heap's parts. Its work is in the files beside this one.

use super::thread_heap::ThreadHeap;
use core::sync::atomic::{AtomicBool, Ordering};
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::{Key, KeyCell};
use xalloc_blocks::purge_schedule::Schedule;
use xalloc_blocks::registry::Registry;
use xalloc_blocks::reporter::Reporter;
use xalloc_blocks::surplus::Surplus;

/// What a user may choose of the default heap.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// For how many milliseconds, at most, memory stays that nobody uses; for half as many at least.
    pub purge_delay: u64,
    /// Whether threads keep as little as they can.
    pub lean: bool,
}

impl Tuning {
    /// The tuning unless the user wants another one.
    pub const SPEED: Self = Self { purge_delay: 1000, lean: false };
    /// The tuning for as little memory as this design allows.
    pub const LEAN: Self = Self { purge_delay: 100, lean: true };
}

/// The default heap. At most one in a process: it keeps each thread's heap behind the one TLS word.
pub struct FastHeap {
    pub(super) back_end: BackEnd,
    pub(super) registry: Registry<ThreadHeap>,
    pub(super) schedule: Schedule,
    pub(super) surplus: Surplus,
    lean: AtomicBool,
    /// What the links of free blocks are encoded with.
    pub(super) key: KeyCell,
    pub(super) fork_locks: ForkLocks,
    pub(super) reporter: Reporter,
}

impl FastHeap {
    /// Returns an empty heap.
    pub const fn new() -> Self {
        Self {
            back_end: BackEnd::new(),
            registry: Registry::new(),
            schedule: Schedule::new(Tuning::SPEED.purge_delay),
            surplus: Surplus::new(),
            lean: AtomicBool::new(false),
            key: KeyCell::new(Key::new(0)),
            fork_locks: ForkLocks::new(),
            reporter: Reporter::new(),
        }
    }

    /// Tunes the heap. Called before the first allocation.
    pub fn tune(&self, tuning: Tuning) {
        self.schedule.set_delay(tuning.purge_delay);
        self.back_end.huge.tune(tuning.purge_delay, tuning.lean);
        // Relaxed: written before start-up ends, and so before the first block is handed out; what comes earlier, a `free` of
        // another allocator's block, does not come here.
        self.lean.store(tuning.lean, Ordering::Relaxed);
        if tuning.lean {
            self.back_end.arena.reserve_on_demand();
        }
    }

    /// Returns whether threads keep as little as they can. Looked at on slow paths only.
    pub(super) fn is_lean(&self) -> bool {
        // Relaxed: see `tune`.
        self.lean.load(Ordering::Relaxed)
    }
}
