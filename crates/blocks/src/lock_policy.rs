//! Lock policies: how the lists of a heap that several threads use are guarded.
//!
//! A policy is a type, chosen when a heap is composed. [`NoLock`] is not `Sync`, so that a heap with it cannot be shared: that
//! does not compile.

use core::cell::Cell;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_os::{Lock, syscall, thread};

/// How a list is guarded: a lock in it, or nothing.
///
/// # Safety
/// From [`LockPolicy::acquire`] to [`LockPolicy::release`], no other thread comes back from `acquire`; who comes back from it
/// later sees all that was written before `release`. A type that does not keep this is not `Sync`.
pub unsafe trait LockPolicy: Sized {
    /// The free lock.
    const FREE: Self;

    /// Takes the lock, waiting for it.
    fn acquire(&self);

    /// Releases the lock.
    ///
    /// # Safety
    /// The calling thread holds the lock, and uses nothing any more that the lock guards.
    unsafe fn release(&self);

    /// Returns whether the calling thread holds the lock.
    fn is_mine(&self) -> bool;

    /// Returns what `f` returns, which is called while the lock is held.
    fn with<R>(&self, f: impl FnOnce() -> R) -> R {
        self.acquire();
        let result = f();
        // SAFETY: acquired above, and `f` is over.
        unsafe { self.release() };
        result
    }
}

/// No lock: for a heap that one thread uses at a time.
pub struct NoLock(PhantomData<Cell<()>>);

// SAFETY: it is not `Sync`.
unsafe impl LockPolicy for NoLock {
    const FREE: Self = Self(PhantomData);

    fn acquire(&self) {}

    unsafe fn release(&self) {}

    fn is_mine(&self) -> bool {
        true
    }
}

/// The library's own lock: spins briefly, then sleeps in the kernel.
pub struct OsLock(Lock);

impl OsLock {
    /// Returns the lock itself.
    pub fn lock(&self) -> &Lock {
        &self.0
    }
}

// SAFETY: `Lock` admits one thread at a time, and orders what they do.
unsafe impl LockPolicy for OsLock {
    const FREE: Self = Self(Lock::new());

    fn acquire(&self) {
        self.0.acquire();
    }

    unsafe fn release(&self) {
        // SAFETY: the calling thread holds it, and is done with what it guards.
        unsafe { self.0.release() };
    }

    fn is_mine(&self) -> bool {
        self.0.is_mine(thread::token())
    }
}

/// A spin lock: a waiter tries 1024 times, then lets other threads run, and so on. For locks that are held for some
/// instructions, on a machine with a processor for each thread.
pub struct Spin {
    lock: spin::mutex::SpinMutex<(), spin::relax::Spin>,
    /// The token of the holder; 0 if there is none.
    holder: AtomicUsize,
}

/// How often a waiter tries before it lets others run.
const TRIES: usize = 1024;

// SAFETY: the mutex admits one thread at a time, and orders what they do.
unsafe impl LockPolicy for Spin {
    const FREE: Self = Self { lock: spin::mutex::SpinMutex::new(()), holder: AtomicUsize::new(0) };

    fn acquire(&self) {
        loop {
            for _ in 0..TRIES {
                if let Some(guard) = self.lock.try_lock() {
                    core::mem::forget(guard);
                    // Relaxed: only the holder reads its own token back.
                    return self.holder.store(thread::token(), Ordering::Relaxed);
                }
                core::hint::spin_loop();
            }
            if self.is_mine() {
                xalloc_os::abort::abort_on_reentry();
            }
            syscall::yield_now();
        }
    }

    unsafe fn release(&self) {
        // Relaxed: see `acquire`.
        self.holder.store(0, Ordering::Relaxed);
        // SAFETY: the calling thread holds the mutex: `acquire` locked it and forgot the guard.
        unsafe { self.lock.force_unlock() };
    }

    fn is_mine(&self) -> bool {
        // Relaxed: see `acquire`.
        self.holder.load(Ordering::Relaxed) == thread::token()
    }
}

/// [`Spin`] on a cache line of its own, so that the waiters do not slow down who works on what lies beside it.
#[repr(align(64))]
pub struct SpinPadded(Spin);

// SAFETY: as `Spin`, whose methods it calls.
unsafe impl LockPolicy for SpinPadded {
    const FREE: Self = Self(Spin::FREE);

    fn acquire(&self) {
        self.0.acquire();
    }

    unsafe fn release(&self) {
        // SAFETY: the calling thread holds it, and is done with what it guards.
        unsafe { self.0.release() };
    }

    fn is_mine(&self) -> bool {
        self.0.is_mine()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::UnsafeCell;

    struct Counter<L>(L, UnsafeCell<usize>);

    // SAFETY: the count is only touched while the lock is held.
    unsafe impl<L: Sync> Sync for Counter<L> {}

    fn excludes_others<L: LockPolicy + Sync>() {
        let counter = Counter(L::FREE, UnsafeCell::new(0));
        let rounds = if cfg!(miri) { 20 } else { 5000 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let counter = &counter;
                    for _ in 0..rounds {
                        // SAFETY: as the type has it.
                        counter.0.with(|| unsafe { *counter.1.get() += 1 });
                    }
                });
            }
        });
        assert_eq!(counter.1.into_inner(), 4 * rounds);
        assert!(!counter.0.is_mine());
        counter.0.with(|| assert!(counter.0.is_mine()));
    }

    #[test]
    fn every_lock_excludes_others() {
        excludes_others::<OsLock>();
        excludes_others::<Spin>();
        excludes_others::<SpinPadded>();
    }

    #[test]
    fn what_is_padded_has_a_line_of_its_own() {
        assert_eq!((size_of::<SpinPadded>(), align_of::<SpinPadded>()), (64, 64));
        assert!(size_of::<NoLock>() == 0 && size_of::<Spin>() <= 16);
    }
}
