//! The lock excludes, publishes what was written under it, and wakes whoever sleeps.

use crate::lock::Lock;
use crate::sync::AtomicUsize;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct Guarded {
    lock: Lock,
    count: UnsafeCell<u32>,
}

// SAFETY: the count is touched under the lock only; loom reports if not.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn add(&self) {
        let guard = self.lock.lock();
        // SAFETY: under the lock.
        self.count.with_mut(|count| unsafe { *count += 1 });
        drop(guard);
    }
}

#[test]
fn excludes_and_publishes() {
    loom::model(|| {
        let lock = Lock::around(AtomicUsize::new(0));
        let guarded = Arc::new(Guarded { lock, count: UnsafeCell::new(0) });
        let other = guarded.clone();
        let thread = loom::thread::spawn(move || other.add());
        guarded.add();
        thread.join().unwrap();
        // SAFETY: the other thread is gone.
        assert_eq!(guarded.count.with(|count| unsafe { *count }), 2);
    });
}

#[test]
fn try_lock_excludes_too() {
    loom::model(|| {
        let lock = Lock::around(AtomicUsize::new(0));
        let guarded = Arc::new(Guarded { lock, count: UnsafeCell::new(0) });
        let other = guarded.clone();
        let thread = loom::thread::spawn(move || {
            if let Some(_guard) = other.lock.try_lock() {
                // SAFETY: under the lock.
                other.count.with_mut(|count| unsafe { *count += 1 });
            }
        });
        guarded.add();
        thread.join().unwrap();
    });
}

/// Of two that sleep, the second one is woken as well.
#[test]
fn everybody_gets_it() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let lock = Lock::around(AtomicUsize::new(0));
        let guarded = Arc::new(Guarded { lock, count: UnsafeCell::new(0) });
        let others = [guarded.clone(), guarded.clone()].map(|other| loom::thread::spawn(move || other.add()));
        guarded.add();
        for thread in others {
            thread.join().unwrap();
        }
        // SAFETY: the other threads are gone.
        assert_eq!(guarded.count.with(|count| unsafe { *count }), 3);
    });
}

/// Who waits for itself is told so.
#[test]
#[should_panic(expected = "waits for itself")]
fn nobody_waits_for_itself() {
    loom::model(|| {
        let lock = Lock::around(AtomicUsize::new(0));
        let guarded = Arc::new(Guarded { lock, count: UnsafeCell::new(0) });
        let _guard = guarded.lock.lock();
        guarded.add();
    });
}
