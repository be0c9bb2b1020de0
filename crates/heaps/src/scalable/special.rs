//! A heap of a thread's own beside its usual one: what it allocates while it uses it lies in slabs of their own.

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::heap::Scalable;
use super::thread_local::ThreadLocalHeap;
use core::cell::Cell;
use core::marker::PhantomData;
use xalloc_blocks::lock_policy::LockPolicy;
use xalloc_os::thread::Phase;

/// A heap that a thread uses for some of its allocations: [`SpecialHeap::with`]. Any thread may free them.
///
/// When the value is dropped, blocks in use stay what they are, and the slabs are other threads' as they become free.
pub struct SpecialHeap<'a, const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> {
    whole: &'a Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>>,
    heap: &'static ThreadLocalHeap<N, T>,
    not_shared: PhantomData<Cell<()>>,
}

// SAFETY: whoever has the value is the only one that allocates from the heap, and moving it to another thread orders what was
// done before.
unsafe impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Send for SpecialHeap<'_, N, T, K> {}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Scalable<CentralHeap<N, T, K>, ThreadLocalHeap<N, T>> {
    /// Returns a heap for some of a thread's allocations. `None` if there is no memory for it.
    pub fn special_heap(&self) -> Option<SpecialHeap<'_, N, T, K>> {
        Some(SpecialHeap { whole: self, heap: self.adopt()?, not_shared: PhantomData })
    }
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> SpecialHeap<'_, N, T, K> {
    /// Returns what `f` returns; what the thread allocates meanwhile comes from this heap. May be nested. The thread must not
    /// end in there.
    pub fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        let _usual = Usual(Phase::current());
        self.whole.enter(self.heap);
        f()
    }
}

impl<const N: usize, T: SizeClasses<N>, K: LockPolicy + Sync> Drop for SpecialHeap<'_, N, T, K> {
    fn drop(&mut self) {
        self.whole.leave(self.heap);
    }
}

/// What the thread's word was; it is that again when the value is dropped.
struct Usual(Phase);

impl Drop for Usual {
    fn drop(&mut self) {
        self.0.enter();
    }
}
