//! The thread that waits for work sees all of it, and ends when it is told to: no change of the word is lost, and nobody sleeps for ever.

use crate::sync::AtomicUsize;
use crate::work_signal::WorkSignal;
use loom::sync::Arc;

/// The thread ends, also if it finds its work done at the moment when it is told to.
#[test]
fn the_end_is_not_lost() {
    loom::model(|| {
        let signal = Arc::new(WorkSignal::around(AtomicUsize::new(0)));
        let waiting = signal.clone();
        let thread = loom::thread::spawn(move || {
            while waiting.wait(1) {
                waiting.clear();
            }
        });
        signal.set();
        signal.end();
        thread.join().unwrap();
    });
}

/// Two make work at once: one of them is told that there was none before, and the thread that waits is woken.
#[test]
fn one_of_two_is_the_first() {
    loom::model(|| {
        let signal = Arc::new(WorkSignal::around(AtomicUsize::new(0)));
        let (waiting, other) = (signal.clone(), signal.clone());
        let thread = loom::thread::spawn(move || while !waiting.is_set() && waiting.wait(1) {});
        let setting = loom::thread::spawn(move || other.set());
        let mine = signal.set();
        assert_ne!(mine, setting.join().unwrap());
        thread.join().unwrap();
    });
}

/// A forked child has the work, but neither the thread nor what it was told.
#[test]
fn a_child_has_no_thread_that_waits() {
    loom::model(|| {
        let signal = WorkSignal::around(AtomicUsize::new(0));
        signal.set();
        signal.end();
        signal.settle_after_fork();
        assert!(signal.is_set() && signal.wait(1));
    });
}
