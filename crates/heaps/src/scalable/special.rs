//! A heap of a thread's own beside its usual one: what it allocates while it uses it lies in slabs of their own.
//!
//! A thread that has several heaps has only one of them in a forked child, the one that it used: which others it had, nobody
//! knows but the values here, and so they are left to other threads like the heaps of threads that are gone
//! ([`Registry::settle_after_fork`](xalloc_blocks::registry::Registry::settle_after_fork)). In place of each that it comes back
//! to, it takes another one.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use core::cell::Cell;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_os::thread::Phase;

/// A heap that a thread uses for some of its allocations: [`SpecialHeap::with`]. Any thread may free them.
///
/// When the value is dropped, blocks in use stay what they are, and the slabs are other threads' as they become free.
pub struct SpecialHeap<'a, const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> {
    whole: &'a Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>>,
    heap: Cell<&'static ThreadLocalHeap<N, T>>,
    /// The number of forks that led to the process in which the heap became this value's: in a later child it is not.
    forks: Cell<u32>,
}

// SAFETY: whoever has the value is the only one that allocates from the heap, and moving it to another thread orders what was
// done before.
unsafe impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Send for SpecialHeap<'_, N, T, K> {}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns a heap for some of a thread's allocations. `None` if there is no memory for it.
    pub fn special_heap(&self) -> Option<SpecialHeap<'_, N, T, K>> {
        let heap = self.adopt()?;
        Some(SpecialHeap { whole: self, heap: Cell::new(heap), forks: Cell::new(self.forks.get()) })
    }
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> SpecialHeap<'_, N, T, K> {
    /// Returns what `f` returns; what the thread allocates meanwhile comes from this heap. May be nested. The thread must not
    /// end in there. In a forked child, it comes from the thread's usual heap if there is no memory for a special one.
    pub fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.is_lost() {
            // If the thread was forked in here, it is using the heap, and so has it in the child.
            let in_use = ThreadLocalHeap::own().filter(|&own| self.has(own));
            let Some(heap) = in_use.or_else(|| self.whole.adopt()) else { return f() };
            self.take(heap);
        }
        let _inside = Inside { special: self, usual: Phase::current(), forks: self.whole.forks.get() };
        self.whole.enter(self.heap.get());
        f()
    }

    fn has(&self, heap: &ThreadLocalHeap<N, T>) -> bool {
        core::ptr::eq(self.heap.get(), heap)
    }

    /// Returns whether the process was forked since the heap became this value's.
    fn is_lost(&self) -> bool {
        self.forks.get() != self.whole.forks.get()
    }

    /// Makes a heap this value's that is the calling thread's.
    fn take(&self, heap: &'static ThreadLocalHeap<N, T>) {
        self.heap.set(heap);
        self.forks.set(self.whole.forks.get());
    }
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Drop for SpecialHeap<'_, N, T, K> {
    fn drop(&mut self) {
        if !self.is_lost() {
            self.whole.leave(self.heap.get());
        }
    }
}

/// A thread that uses a special heap. When the value is dropped, it uses again what it used before.
struct Inside<'a, const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> {
    special: &'a SpecialHeap<'a, N, T, K>,
    usual: Phase,
    /// As [`SpecialHeap::forks`].
    forks: u32,
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Drop for Inside<'_, N, T, K> {
    fn drop(&mut self) {
        let (special, whole) = (self.special, self.special.whole);
        if self.forks == whole.forks.get() {
            return self.usual.enter();
        }
        // This is a child that was forked in here: the heap in use is the thread's, the usual one is not.
        let in_use = ThreadLocalHeap::own();
        match self.usual {
            Phase::Cached(_) => whole.adopt().map_or_else(|| Phase::Plain.enter(), |heap| whole.enter(heap)),
            without_heap => without_heap.enter(),
        }
        match in_use {
            Some(heap) if special.is_lost() => special.take(heap),
            // The special heap was replaced before the thread came back here.
            Some(heap) if !special.has(heap) => whole.leave(heap),
            _ => {}
        }
    }
}
