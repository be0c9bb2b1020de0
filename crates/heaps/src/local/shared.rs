//! What all local heaps of a process share: address space, and memory for their records.

use core::marker::PhantomData;
use xalloc_blocks::back_end::BackEnd;
use xalloc_blocks::fork_locks::ForkLocks;
use xalloc_blocks::free_list::Key;
use xalloc_blocks::locked::Locked;
use xalloc_os::{Lock, random};

/// What they share.
pub struct Shared {
    /// Where slabs come from.
    pub back_end: BackEnd,
    /// Records of heaps that were destroyed, and what links are encoded with.
    state: Locked<State>,
    fork_locks: ForkLocks,
}

struct State {
    free: *mut FreeRecord,
    key: Option<Key>,
}

// SAFETY: the records belong to the state, not to a thread.
unsafe impl Send for State {}

/// A record that is free: they are kept by size.
struct FreeRecord {
    next: *mut FreeRecord,
    size: usize,
}

static SHARED: Shared = Shared {
    back_end: BackEnd::new(),
    state: Locked::new(State { free: core::ptr::null_mut(), key: None }),
    fork_locks: ForkLocks::new(),
};

/// Returns what all local heaps share.
pub fn shared() -> &'static Shared {
    &SHARED
}

impl Shared {
    /// Returns what links of free blocks are encoded with: the same in all local heaps of a process.
    pub fn key(&self) -> Key {
        self.state.with(|state| *state.key.get_or_insert_with(|| Key::new(random::secret())))
    }

    fn locks(&self) -> impl Iterator<Item = &Lock> {
        core::iter::once(self.state.lock()).chain(self.back_end.locks())
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

/// Memory for values of one type, used again.
pub struct Pool<T>(PhantomData<T>);

impl<T> Pool<T> {
    const SIZE: usize = {
        assert!(align_of::<T>() <= 64, "records start on a cache line");
        if size_of::<T>() < size_of::<FreeRecord>() { size_of::<FreeRecord>() } else { size_of::<T>() }
    };

    /// Returns zeroed memory for a value; `None` if there is none.
    pub fn take() -> Option<*mut T> {
        let used = SHARED.state.with(|state| {
            let mut link = &raw mut state.free;
            // SAFETY: the records are free, and so the state's, whose lock is held.
            unsafe {
                while !(*link).is_null() {
                    let record = *link;
                    if (*record).size == Self::SIZE {
                        *link = (*record).next;
                        return Some(record);
                    }
                    link = &raw mut (*record).next;
                }
            }
            None
        });
        let Some(record) = used else { return SHARED.back_end.metadata.allocate(Self::SIZE).map(<*mut u8>::cast) };
        // SAFETY: memory of this size that nobody has any more.
        unsafe { record.cast::<u8>().write_bytes(0, Self::SIZE) };
        Some(record.cast())
    }

    /// Takes memory back.
    ///
    /// # Safety
    /// It came from [`Pool::take`], and nobody uses it any more.
    pub unsafe fn give(value: *mut T) {
        SHARED.state.with(|state| {
            let record = value.cast::<FreeRecord>();
            // SAFETY: the caller's: memory of that size that nobody uses.
            unsafe { record.write(FreeRecord { next: state.free, size: Self::SIZE }) };
            state.free = record;
        });
    }
}
