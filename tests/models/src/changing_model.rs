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

/// Lets `change` run in the thread that owns a heap, and returns what another one sees meanwhile: the word, and then the heap.
fn look_while(change: impl Fn(&Heap) + Send + 'static) -> (u32, Arc<Heap>, loom::thread::JoinHandle<()>) {
    let heap = heap();
    let owner = heap.clone();
    let thread = loom::thread::spawn(move || change(&owner));
    let word = heap.word.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    (word, heap, thread)
}

#[test]
fn what_is_changed_is_marked() {
    loom::model(|| {
        let (word, heap, thread) = look_while(|heap| {
            let change = heap.changing.begin();
            heap.word.store(1, Ordering::Relaxed);
            // The fork comes before the end of the change.
            std::mem::forget(change);
        });
        assert!(word == 0 || !heap.changing.is_whole());
        thread.join().unwrap();
    });
}

#[test]
fn what_is_not_marked_is_whole() {
    loom::model(|| {
        let (word, heap, thread) = look_while(|heap| {
            let change = heap.changing.begin();
            heap.word.store(1, Ordering::Relaxed);
            heap.word.store(2, Ordering::Relaxed);
            drop(change);
        });
        // Half of the change was seen: it is marked, or over.
        if word == 1 && heap.changing.is_whole() {
            fence(Ordering::Acquire);
            assert_eq!(heap.word.load(Ordering::Relaxed), 2);
        }
        thread.join().unwrap();
    });
}

#[test]
fn a_change_inside_of_one_leaves_the_mark() {
    loom::model(|| {
        let heap = heap();
        let outer = heap.changing.begin();
        drop(heap.changing.begin());
        assert!(!heap.changing.is_whole());
        drop(outer);
        assert!(heap.changing.is_whole());
    });
}
