use crate::Lock;
use core::cell::UnsafeCell;
use std::thread;

struct Counter(Lock, UnsafeCell<u64>);
// SAFETY: the cell is only touched under the lock.
unsafe impl Sync for Counter {}

#[test]
fn excludes() {
    static COUNTER: Counter = Counter(Lock::new(), UnsafeCell::new(0));
    let threads: std::vec::Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..20_000 {
                    let _guard = COUNTER.0.lock();
                    // SAFETY: under the lock.
                    unsafe { *COUNTER.1.get() += 1 };
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    // SAFETY: the threads are gone.
    assert_eq!(unsafe { *COUNTER.1.get() }, 160_000);
}

#[test]
fn knows_its_owner() {
    let lock = Lock::new();
    let me = crate::thread::token();
    assert!(!lock.is_mine(me));
    let guard = lock.lock();
    assert!(lock.is_mine(me));
    assert!(lock.try_lock().is_none());
    assert!(lock.is_mine(me), "a failed attempt must not release");
    drop(guard);
    assert!(!lock.is_mine(me));
}
