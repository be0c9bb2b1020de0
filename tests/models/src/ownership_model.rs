//! Each who drains a heap sees what the last one did, and nothing that was sent stays in an abandoned heap unseen.

use crate::access::Access;
use crate::access_model::access;
use crate::lock::{Guard, Lock};
use crate::ownership::Ownership;
use crate::remote::RemoteStack;
use crate::remote_model::{Batch, push, stack, take};
use crate::sync::{AtomicU32, AtomicUsize};
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct Heap {
    ownership: Ownership,
    access: Access,
    remote: Arc<RemoteStack<Batch>>,
    /// Of the list of abandoned heaps.
    registry: Lock,
    /// What only who has access touches: the sum of what was drained.
    drained: UnsafeCell<usize>,
}

// SAFETY: `drained` is touched by who has access; loom reports if not.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    /// A heap with an owner.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            ownership: Ownership::around(AtomicU32::new(0)),
            access: access(),
            remote: stack(),
            registry: Lock::around(AtomicUsize::new(0)),
            drained: UnsafeCell::new(0),
        })
    }

    fn drain(&self) {
        let sum = take(&self.remote);
        // SAFETY: the caller has access.
        self.drained.with_mut(|drained| unsafe { *drained += sum });
    }

    fn help(&self) {
        self.ownership.help(&self.access, &self.remote, || self.drain());
    }

    /// What a thread does that frees a block of this heap.
    fn send(&self, contents: usize) {
        push(&self.remote, contents);
        if self.ownership.is_abandoned() {
            self.help();
        }
    }

    /// What the owner does in a slow path.
    fn own(&self) {
        let _change = self.access.begin();
        self.drain();
    }

    /// What the owner does at its end.
    fn leave(&self) {
        self.own();
        {
            let _registry: Guard<'_> = self.registry.lock();
            self.ownership.abandon();
        }
        if !self.remote.is_empty_after_change() {
            self.help();
        }
    }

    /// What a new thread does.
    fn adopt(&self) -> bool {
        let _registry: Guard<'_> = self.registry.lock();
        if !self.ownership.is_abandoned() {
            return false;
        }
        let Some(_no_helper) = self.access.try_help() else { return false };
        self.ownership.adopt();
        true
    }

    fn drained(&self) -> usize {
        // SAFETY: all threads but the test's are gone.
        self.drained.with(|drained| unsafe { *drained })
    }
}

/// Checks what at most three preemptions lead to: a helper makes a dozen steps, and all orders of two would take hours.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// Runs `other` in a thread of its own beside `mine`.
fn beside(heap: &Arc<Heap>, other: impl FnOnce(&Heap) + Send + 'static, mine: impl FnOnce(&Heap)) {
    let thread = {
        let heap = heap.clone();
        loom::thread::spawn(move || other(&heap))
    };
    mine(heap);
    thread.join().unwrap();
}

#[test]
fn nothing_stays_in_an_abandoned_heap_unseen() {
    model(|| {
        let heap = Heap::new();
        beside(&heap, |heap| heap.send(1), Heap::leave);
        assert!(heap.remote.is_empty());
        assert_eq!(heap.drained(), 1);
    });
}

#[test]
fn nothing_is_lost_between_two_helpers() {
    model(|| {
        let heap = Heap::new();
        heap.leave();
        beside(&heap, |heap| heap.send(1), |heap| heap.send(10));
        assert!(heap.remote.is_empty());
        assert_eq!(heap.drained(), 11);
    });
}

/// A helper of the owner's may turn away the owner, when it has abandoned the heap, or a sender.
#[test]
fn nothing_is_lost_between_a_helper_and_the_end() {
    model(|| {
        let heap = Heap::new();
        push(&heap.remote, 1);
        beside(&heap, Heap::help, |heap| {
            heap.leave();
            heap.send(10);
        });
        assert!(heap.remote.is_empty());
        assert_eq!(heap.drained(), 11);
    });
}

#[test]
fn an_owner_that_was_helped_sees_it() {
    model(|| {
        let heap = Heap::new();
        push(&heap.remote, 1);
        beside(&heap, Heap::help, Heap::own);
        assert_eq!(heap.drained(), 1);
    });
}

#[test]
fn an_adopter_sees_what_the_last_owner_and_helpers_did() {
    model(|| {
        let heap = Heap::new();
        heap.leave();
        beside(
            &heap,
            |heap| {
                if heap.adopt() {
                    heap.leave();
                }
            },
            |heap| heap.send(1),
        );
        assert!(heap.remote.is_empty());
        assert_eq!(heap.drained(), 1);
    });
}

#[test]
fn an_abandoned_heap_has_one_adopter() {
    model(|| {
        let heap = Heap::new();
        heap.leave();
        let adopt = |heap: Arc<Heap>| {
            let adopted = heap.adopt();
            if adopted {
                heap.own();
            }
            adopted
        };
        let other = {
            let heap = heap.clone();
            loom::thread::spawn(move || adopt(heap))
        };
        let mine = adopt(heap);
        assert_eq!(usize::from(mine) + usize::from(other.join().unwrap()), 1);
    });
}
