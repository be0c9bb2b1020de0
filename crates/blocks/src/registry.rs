//! The heaps of all threads of a process, and those of them that are abandoned.

use crate::access::Access;
use crate::ownership::Ownership;
use crate::single_writer::Pointer;
use xalloc_os::{Lock, thread};

/// What a registry needs of a thread's heap, which is never unmapped.
pub trait Registered: Sync + Sized + 'static {
    /// Returns its places in the registry's lists.
    fn links(&self) -> &Links<Self>;
    /// Returns whether it has a thread.
    fn ownership(&self) -> &Ownership;
    /// Returns who may touch what its slow paths use.
    fn access(&self) -> &Access;
    /// Returns whether nobody was changing it a moment ago; in a forked child, for a heap whose thread is gone, for good.
    fn is_whole(&self) -> bool;
    /// Notes, in a forked child, that its thread is gone, between any two instructions of a hit path.
    fn note_vanished(&self);
}

/// The places of a heap in a registry's lists. Written under the registry's lock.
pub struct Links<T> {
    /// The next one of all heaps.
    next: Pointer<T>,
    /// The next one of the abandoned heaps.
    next_abandoned: Pointer<T>,
}

impl<T> Links<T> {
    /// Returns the links of a heap that is in no list, as zeroed memory is them.
    pub const fn new() -> Self {
        Self { next: Pointer::null(), next_abandoned: Pointer::null() }
    }
}

/// The thread heaps of one heap.
pub struct Registry<T> {
    lock: Lock,
    /// All heaps, newest first. Written under the lock.
    all: Pointer<T>,
    /// Abandoned heaps, the last one first: its blocks are the likeliest to be in a cache. Written under the lock.
    abandoned: Pointer<T>,
}

impl<T: Registered> Registry<T> {
    /// Returns a registry of no heaps.
    pub const fn new() -> Self {
        Self { lock: Lock::new(), all: Pointer::null(), abandoned: Pointer::null() }
    }

    /// Returns the lock, for fork. Under it, only what [`Registry::adopt`]'s `create` locks is locked.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Returns a heap for the calling thread: an abandoned one, or else the one that `create` makes, which is in no list.
    /// `None` if that returns none.
    pub fn adopt(&self, create: impl FnOnce() -> Option<&'static T>) -> Option<&'static T> {
        let _guard = self.lock.lock();
        let mut link = &self.abandoned;
        // SAFETY: heaps are never unmapped.
        while let Some(heap) = unsafe { link.get().as_ref::<'static>() } {
            // One that somebody helps at the moment stays for the next thread.
            if let Some(_no_helper) = heap.access().try_help() {
                heap.ownership().adopt();
                link.set(heap.links().next_abandoned.get());
                return Some(heap);
            }
            link = &heap.links().next_abandoned;
        }
        let heap = create()?;
        heap.links().next.set(self.all.get());
        self.all.set(core::ptr::from_ref(heap).cast_mut());
        Some(heap)
    }

    /// Leaves a heap to whoever adopts it.
    pub fn abandon(&self, heap: &'static T) {
        let _guard = self.lock.lock();
        self.abandon_locked(heap);
    }

    fn abandon_locked(&self, heap: &'static T) {
        // In a child that was forked while this thread had borrowed the heap, it is abandoned already.
        if !heap.ownership().is_abandoned() {
            heap.links().next_abandoned.set(self.abandoned.get());
            self.abandoned.set(core::ptr::from_ref(heap).cast_mut());
            heap.ownership().abandon();
        }
    }

    /// Returns all heaps. Those that are made meanwhile may be missing.
    pub fn all(&self) -> impl Iterator<Item = &'static T> + use<T> {
        let first = {
            let _guard = self.lock.lock();
            self.all.get()
        };
        // SAFETY: heaps are never unmapped, and `next` is set before a heap becomes the first.
        core::iter::successors(unsafe { first.as_ref::<'static>() }, |heap| unsafe { heap.links().next.get().as_ref() })
    }

    /// Abandons, in a forked child, the heaps of the threads that are gone, but for those that were being changed: their memory
    /// is lost. `mine` is the heap of the child's only thread, which keeps it.
    ///
    /// If the handler that forks has interrupted this thread in the registry, nothing is done: the lists are half written.
    pub fn settle_after_fork(&self, mine: Option<&T>) {
        if self.lock.is_mine(thread::token()) {
            return;
        }
        for heap in self.all() {
            let is_mine = mine.is_some_and(|mine| core::ptr::eq(mine, heap));
            if is_mine || !heap.is_whole() {
                continue;
            }
            // A helper that vanished before it was at work; unless it is this thread, which goes on when the handler that forks
            // has returned.
            let helpers = heap.access().helpers();
            if !helpers.is_mine(thread::token()) {
                // SAFETY: this is a forked child's only thread, and it does not hold the lock.
                unsafe { helpers.release() };
            }
            if !heap.ownership().is_abandoned() {
                heap.note_vanished();
                self.abandon_locked(heap);
            }
        }
    }
}
