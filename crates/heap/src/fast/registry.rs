//! All thread heaps of a process, and those that wait for a thread.

use super::thread_heap::ThreadHeap;
use crate::free_list::Key;
use crate::metadata::Metadata;
use crate::single_writer::Pointer;
use xalloc_os::Lock;

/// The thread heaps.
pub struct Registry {
    lock: Lock,
    /// All heaps, newest first. Written under the lock.
    all: Pointer<ThreadHeap>,
    /// Orphans, the last one left first: its blocks are the likeliest to be in a cache. Written under the lock.
    orphans: Pointer<ThreadHeap>,
}

impl Registry {
    /// Has none yet.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        Self { lock: Lock::new(), all: Pointer::null(), orphans: Pointer::null() }
    }

    /// The lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// A heap for the calling thread: an orphan, or else a new one. `None` if there is no memory.
    pub fn adopt(&self, metadata: &Metadata, key: Key) -> Option<&'static ThreadHeap> {
        let _guard = self.lock.lock();
        let mut link = &self.orphans;
        // SAFETY: heaps are never unmapped.
        while let Some(heap) = unsafe { link.get().as_ref::<'static>() } {
            // An orphan that somebody helps at the moment stays for the next thread.
            if heap.tenancy().adopt() {
                link.set(heap.next_orphan.get());
                if heap.miscounted.get() != 0 {
                    heap.recount(key);
                }
                return Some(heap);
            }
            link = &heap.next_orphan;
        }
        let memory = metadata.allocate_aligned(size_of::<ThreadHeap>(), align_of::<ThreadHeap>())?;
        // SAFETY: zeroed, aligned, ours for ever.
        let heap = unsafe { ThreadHeap::create(memory) };
        heap.next.set(self.all.get());
        self.all.set(core::ptr::from_ref(heap).cast_mut());
        Some(heap)
    }

    /// Leaves a heap to whoever adopts it.
    pub fn orphan(&self, heap: &'static ThreadHeap) {
        let _guard = self.lock.lock();
        if !heap.tenancy().is_orphan() {
            self.push_orphan(heap);
        }
        heap.tenancy().orphan();
    }

    fn push_orphan(&self, heap: &'static ThreadHeap) {
        heap.next_orphan.set(self.orphans.get());
        self.orphans.set(core::ptr::from_ref(heap).cast_mut());
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

    /// In a forked child: leaves the heaps of the threads that are gone to be adopted, but for those that were changing.
    pub fn settle_after_fork(&self, mine: Option<&ThreadHeap>) {
        for heap in self.all() {
            let is_mine = mine.is_some_and(|mine| core::ptr::eq(mine, heap));
            if !is_mine && heap.tenancy().settle_after_fork(heap.is_whole()) {
                heap.miscounted.set(1);
                self.push_orphan(heap);
            }
        }
    }
}
