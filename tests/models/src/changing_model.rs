//! A fork in another thread meets no change without its mark: not at the beginning, not at the end. The forking thread is one that
//! looks: the processor and the compiler may show it the owner's stores in any order that the fences allow.

use crate::changing::Changing;
use crate::sync::{AtomicU32, Ordering, fence};
use loom::sync::Arc;

struct Heap {
    changing: Changing,
    word: AtomicU32,
}

fn heap() -> Arc<Heap> {
    Arc::new(Heap { changing: Changing::around(AtomicU32::new(0)), word: AtomicU32::new(0) })
}

#[test]
fn what_is_changed_is_marked() {
    loom::model(|| {
        let heap = heap();
        let owner = heap.clone();
        let thread = loom::thread::spawn(move || {
            let change = owner.changing.begin();
            owner.word.store(1, Ordering::Relaxed);
            // The fork comes before the end of the change.
            std::mem::forget(change);
        });
        let word = heap.word.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        assert!(word == 0 || !heap.changing.is_whole());
        thread.join().unwrap();
    });
}

#[test]
fn what_is_not_marked_is_whole() {
    loom::model(|| {
        let heap = heap();
        // Before the other thread begins.
        std::mem::forget(heap.changing.begin());
        let owner = heap.clone();
        let thread = loom::thread::spawn(move || {
            let inner = owner.changing.begin();
            owner.word.store(1, Ordering::Relaxed);
            drop(inner);
        });
        thread.join().unwrap();
        assert!(!heap.changing.is_whole(), "the outer change goes on");
    });
    loom::model(|| {
        let heap = heap();
        let owner = heap.clone();
        let thread = loom::thread::spawn(move || {
            let change = owner.changing.begin();
            owner.word.store(1, Ordering::Relaxed);
            owner.word.store(2, Ordering::Relaxed);
            drop(change);
        });
        let word = heap.word.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        // Half of the change was seen: it is marked, or over.
        if word == 1 && heap.changing.is_whole() {
            fence(Ordering::Acquire);
            assert_eq!(heap.word.load(Ordering::Relaxed), 2);
        }
        thread.join().unwrap();
    });
}
