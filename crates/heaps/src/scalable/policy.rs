//! Concurrency policies: who may use the slabs of a heap. A policy is a type without a value, chosen when a heap is composed.
//!
//! What it forbids does not compile. A heap for one thread is no `static`, because other threads could use it:
//!
//! ```compile_fail,E0277
//! use xalloc_heaps::pow2::Sizes;
//! use xalloc_heaps::scalable::{ClassHeap, SingleThread};
//! static HEAP: ClassHeap<{ Sizes::N }, Sizes, SingleThread> = ClassHeap::<{ Sizes::N }, Sizes, SingleThread>::new();
//! ```
//!
//! Nor can threads share lists that nothing locks:
//!
//! ```compile_fail,E0277
//! use xalloc_heaps::pow2::Sizes;
//! use xalloc_heaps::scalable::{Central, ClassHeap, NoLock};
//! static LISTS: ClassHeap<{ Sizes::N }, Sizes, Central<NoLock>> = ClassHeap::<{ Sizes::N }, Sizes, Central<NoLock>>::new();
//! ```
//!
//! With a lock they can:
//!
//! ```
//! use xalloc_heaps::pow2::Sizes;
//! use xalloc_heaps::scalable::{Central, ClassHeap, OsLock};
//! static LISTS: ClassHeap<{ Sizes::N }, Sizes, Central<OsLock>> = ClassHeap::<{ Sizes::N }, Sizes, Central<OsLock>>::new();
//! ```
//!
//! And threads' heaps that are for one thread do not make a heap for all of them:
//!
//! ```compile_fail,E0277
//! use xalloc_heap::Heap;
//! use xalloc_heaps::pow2::Sizes;
//! use xalloc_heaps::scalable::{Central, ClassHeap, OsLock, Scalable, SingleThread};
//! fn serves<H: Heap>() {}
//! type Of<P> = ClassHeap<{ Sizes::N }, Sizes, P>;
//! serves::<Scalable<Of<Central<OsLock>>, Of<SingleThread>>>();
//! ```

use super::central::CentralHeap;
use super::classes::SizeClasses;
use super::single::SingleHeap;
use super::thread_local::ThreadLocalHeap;
use core::marker::PhantomData;
use xalloc_blocks::lock_policy::LockPolicy;

/// Who may use the slabs of a heap.
pub trait Concurrency {
    /// The heap for blocks of the classes `T` under this policy.
    type Heap<const N: usize, T: SizeClasses<N>>;
}

/// The heap for blocks of the classes `T` under the policy `P`.
pub type ClassHeap<const N: usize, T, P> = <P as Concurrency>::Heap<N, T>;

/// One thread uses the heap. No lock; it cannot be shared.
pub struct SingleThread;

impl Concurrency for SingleThread {
    type Heap<const N: usize, T: SizeClasses<N>> = SingleHeap<N, T>;
}

/// All threads use the heap: each class has a lock, of the policy `L`.
pub struct Central<L>(PhantomData<L>);

impl<L: LockPolicy> Concurrency for Central<L> {
    type Heap<const N: usize, T: SizeClasses<N>> = CentralHeap<N, T, L>;
}

/// One thread allocates from the heap; what others free goes through a queue to it.
pub struct ThreadLocal;

impl Concurrency for ThreadLocal {
    type Heap<const N: usize, T: SizeClasses<N>> = ThreadLocalHeap<N, T>;
}
