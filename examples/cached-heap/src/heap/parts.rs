//! The parts of the heap.

use super::classes::CLASSES;
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::central_list::CentralList;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::{Key, KeyCell};
use xalloc_blocks::lock_policy::OsLock;
use xalloc_blocks::registry::Registry;
use xalloc_blocks::reporter::Reporter;
use xalloc_blocks::thread_heap::ThreadHeap;

/// What a thread has. Only the cache of it is used here: the slabs are all central.
pub type Cache = ThreadHeap<CLASSES, (), ()>;

/// The heap. At most one in a process: each thread's cache is behind the one TLS word.
pub struct CachedHeap {
    /// The slabs of each class. The page map has the address of the list as the owner of its slabs.
    pub(super) central: [CentralList<OsLock>; CLASSES],
    pub(super) caches: Registry<Cache>,
    pub(super) back_end: BackEnd,
    /// What the links of free blocks are encoded with: one that the program wrote is noticed.
    pub(super) key: KeyCell,
    pub(super) reporter: Reporter,
    pub(super) fork_locks: ForkLocks,
}

impl CachedHeap {
    /// Returns an empty heap.
    pub const fn new() -> Self {
        Self {
            central: [const { CentralList::new() }; CLASSES],
            caches: Registry::new(),
            back_end: BackEnd::new(),
            key: KeyCell::new(Key::new(0)),
            reporter: Reporter::new(),
            fork_locks: ForkLocks::new(),
        }
    }
}
