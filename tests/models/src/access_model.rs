//! One thread at a time has access to a heap, each sees what the last one did, and an owner that meets a helper is not left waiting.
//! And a fork in another thread meets no change without its mark, as in `changing_model`.

use crate::access::{Access, Change};
use crate::lock::Lock;
use crate::sync::{AtomicU32, AtomicUsize, Ordering, fence};
use loom::cell::UnsafeCell;
use loom::sync::Arc;

pub fn access() -> Access {
    Access::around(AtomicU32::new(0), Lock::around(AtomicUsize::new(0)))
}

struct Heap {
    access: Access,
    /// What only who has access touches: how often that was.
    changes: UnsafeCell<usize>,
    /// What a fork finds in the heap.
    word: AtomicU32,
}

// SAFETY: `changes` is touched by who has access; loom reports if not.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    fn new() -> Arc<Self> {
        Arc::new(Self { access: access(), changes: UnsafeCell::new(0), word: AtomicU32::new(0) })
    }

    fn own(&self) -> usize {
        let change = self.access.begin();
        self.count(&change);
        // A slow path that another one calls.
        self.count(&self.access.begin());
        2
    }

    fn help(&self) -> usize {
        let Some(helping) = self.access.try_help() else { return 0 };
        let Some(change) = helping.begin() else { return 0 };
        self.count(&change);
        1
    }

    fn count(&self, _change: &Change<'_>) {
        // SAFETY: the caller has access.
        self.changes.with_mut(|changes| unsafe { *changes += 1 });
    }

    fn changes(&self) -> usize {
        // SAFETY: all threads but the test's are gone.
        self.changes.with(|changes| unsafe { *changes })
    }
}

#[test]
fn an_owner_and_a_helper_take_turns() {
    loom::model(|| {
        let heap = Heap::new();
        let helper = {
            let heap = heap.clone();
            loom::thread::spawn(move || heap.help())
        };
        let owned = heap.own();
        let helped = helper.join().unwrap();
        assert_eq!(heap.changes(), owned + helped);
        assert!(heap.access.is_free());
        assert_eq!(heap.help(), 1);
    });
}

#[test]
fn two_helpers_do_not_meet() {
    loom::model(|| {
        let heap = Heap::new();
        let helper = {
            let heap = heap.clone();
            loom::thread::spawn(move || heap.help())
        };
        let mine = heap.help();
        let helped = helper.join().unwrap();
        assert_eq!(heap.changes(), mine + helped);
    });
}

/// Lets `change` run in another thread, and has the forking thread look meanwhile: what it sees of the heap.
fn look_while(change: impl Fn(&Heap) + Send + 'static) {
    let heap = Heap::new();
    let other = heap.clone();
    let thread = loom::thread::spawn(move || change(&other));
    let word = heap.word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    // Half of the change was seen: it is marked, or over.
    if word == 1 && heap.access.is_free() {
        fence(Ordering::Acquire);
        assert_eq!(heap.word.load(Ordering::Relaxed), 2);
    }
    thread.join().unwrap();
}

fn change_twice(heap: &Heap) {
    heap.word.store(1, Ordering::Relaxed);
    heap.word.store(2, Ordering::Relaxed);
}

#[test]
fn an_owners_change_is_marked() {
    loom::model(|| {
        look_while(|heap| {
            let _change = heap.access.begin();
            change_twice(heap);
        });
    });
}

#[test]
fn a_helpers_change_is_marked() {
    loom::model(|| {
        look_while(|heap| {
            let helping = heap.access.try_help().unwrap();
            let _change = helping.begin().unwrap();
            change_twice(heap);
        });
    });
}

/// In a forked child the forking thread's own heap must be whole.
#[test]
fn no_helper_is_at_work_while_the_owner_forks() {
    loom::model(|| {
        let heap = Heap::new();
        let helper = {
            let heap = heap.clone();
            loom::thread::spawn(move || heap.help())
        };
        {
            let _locked_for_fork = heap.access.helpers().lock();
            assert!(heap.access.is_free());
        }
        helper.join().unwrap();
    });
}
