//! All thread heaps of a process, and those that are abandoned.

use super::thread_heap::ThreadHeap;
use xalloc_blocks::free_list::Key;
use xalloc_blocks::metadata::Metadata;
use xalloc_blocks::single_writer::Pointer;
use xalloc_os::{Lock, thread};

/// The thread heaps.
pub struct Registry {
    lock: Lock,
    /// All heaps, newest first. Written under the lock.
    all: Pointer<ThreadHeap>,
    /// Abandoned heaps, the last one first: its blocks are the likeliest to be in a cache. Written under the lock.
    abandoned: Pointer<ThreadHeap>,
}

impl Registry {
    /// Has none yet.
    pub const fn new() -> Self {
        Self { lock: Lock::new(), all: Pointer::null(), abandoned: Pointer::null() }
    }

    /// The lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// A heap for the calling thread: an abandoned one, or else a new one. `None` if there is no memory.
    pub fn adopt(&self, metadata: &Metadata, key: Key) -> Option<&'static ThreadHeap> {
        let _guard = self.lock.lock();
        let mut link = &self.abandoned;
        // SAFETY: heaps are never unmapped.
        while let Some(heap) = unsafe { link.get().as_ref::<'static>() } {
            // One that somebody helps at the moment stays for the next thread.
            if let Some(_no_helper) = heap.access().try_help() {
                heap.ownership().adopt();
                link.set(heap.next_abandoned.get());
                heap.recount(key);
                return Some(heap);
            }
            link = &heap.next_abandoned;
        }
        let memory = metadata.allocate_aligned(size_of::<ThreadHeap>(), align_of::<ThreadHeap>())?;
        // SAFETY: zeroed, aligned, ours for ever.
        let heap = unsafe { ThreadHeap::create(memory) };
        heap.next.set(self.all.get());
        self.all.set(core::ptr::from_ref(heap).cast_mut());
        Some(heap)
    }

    /// Leaves a heap to whoever adopts it.
    pub fn abandon(&self, heap: &'static ThreadHeap) {
        let _guard = self.lock.lock();
        self.abandon_locked(heap);
    }

    fn abandon_locked(&self, heap: &'static ThreadHeap) {
        // In a child that was forked while this thread had borrowed the heap, it is abandoned already.
        if !heap.ownership().is_abandoned() {
            heap.next_abandoned.set(self.abandoned.get());
            self.abandoned.set(core::ptr::from_ref(heap).cast_mut());
            heap.ownership().abandon();
        }
    }

    /// All heaps. Those made meanwhile may be missing.
    pub fn all(&self) -> impl Iterator<Item = &'static ThreadHeap> {
        let first = {
            let _guard = self.lock.lock();
            self.all.get()
        };
        // SAFETY: heaps are never unmapped, and `next` is set before a heap becomes the first.
        core::iter::successors(unsafe { first.as_ref::<'static>() }, |heap| unsafe { heap.next.get().as_ref() })
    }

    /// In a forked child: abandons the heaps of the threads that are gone, but for those that were changing.
    pub fn settle_after_fork(&self, mine: Option<&ThreadHeap>) {
        for heap in self.all() {
            let is_mine = mine.is_some_and(|mine| core::ptr::eq(mine, heap));
            if is_mine || !heap.is_whole() {
                continue;
            }
            // A helper that vanished before it was at work; unless it is this thread, which goes on when the handler that forks has
            // returned.
            let helpers = heap.access().helpers();
            if !helpers.is_mine(thread::token()) {
                helpers.release();
            }
            if !heap.ownership().is_abandoned() {
                heap.note_miscounted();
                self.abandon_locked(heap);
            }
        }
    }
}
