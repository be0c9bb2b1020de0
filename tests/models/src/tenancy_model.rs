//! A heap has one tenant at a time, each sees what the last one did, and nothing that was sent stays in an orphan unseen.

use crate::remote::RemoteStack;
use crate::remote_model::{Segment, push, stack, take};
use crate::sync::AtomicU32;
use crate::tenancy::Tenancy;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct Heap {
    tenancy: Tenancy,
    remote: Arc<RemoteStack<Segment>>,
    /// What only the tenant touches: the sum of what came home.
    home: UnsafeCell<usize>,
}

// SAFETY: `home` is the tenant's; loom reports if not.
unsafe impl Sync for Heap {}
// SAFETY: as above.
unsafe impl Send for Heap {}

impl Heap {
    /// A heap with a living thread.
    fn new() -> Arc<Self> {
        let tenancy = Tenancy::new(AtomicU32::new(0));
        Arc::new(Self { tenancy, remote: stack(), home: UnsafeCell::new(0) })
    }

    /// What the tenant does.
    fn drain(&self) {
        let sum = take(&self.remote);
        // SAFETY: the caller is the tenant.
        self.home.with_mut(|home| unsafe { *home += sum });
    }

    fn help(&self) {
        self.tenancy.help_while(|| !self.remote.is_empty(), || self.drain());
    }

    /// What a thread does that frees a block of this heap.
    fn send(&self, contents: usize) {
        push(&self.remote, contents);
        self.help();
    }

    /// What the thread does that the heap belongs to, at its end.
    fn leave(&self) {
        self.drain();
        self.tenancy.orphan();
        self.help();
    }

    fn home(&self) -> usize {
        // SAFETY: all threads but the test's are gone.
        self.home.with(|home| unsafe { *home })
    }
}

#[test]
fn nothing_stays_in_an_orphan_unseen() {
    loom::model(|| {
        let heap = Heap::new();
        let sender = {
            let heap = heap.clone();
            loom::thread::spawn(move || heap.send(1))
        };
        heap.leave();
        sender.join().unwrap();
        assert!(heap.remote.is_empty());
        assert_eq!(heap.home(), 1);
    });
}

#[test]
fn nothing_is_lost_between_two_helpers() {
    loom::model(|| {
        let heap = Heap::new();
        heap.leave();
        let sender = {
            let heap = heap.clone();
            loom::thread::spawn(move || heap.send(1))
        };
        heap.send(10);
        sender.join().unwrap();
        assert!(heap.remote.is_empty());
        assert_eq!(heap.home(), 11);
    });
}

#[test]
fn an_adopter_sees_what_the_last_tenant_did() {
    loom::model(|| {
        let heap = Heap::new();
        let adopter = {
            let heap = heap.clone();
            loom::thread::spawn(move || {
                if heap.tenancy.adopt() {
                    heap.drain();
                    heap.leave();
                }
            })
        };
        heap.send(1);
        heap.leave();
        adopter.join().unwrap();
        assert_eq!(heap.home(), 1);
    });
}

#[test]
fn an_orphan_has_one_adopter() {
    loom::model(|| {
        let heap = Heap::new();
        heap.leave();
        let adopt = |heap: Arc<Heap>| {
            let adopted = heap.tenancy.adopt();
            if adopted {
                heap.drain();
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
