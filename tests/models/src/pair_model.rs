//! What is found under a key is its value, whoever else writes the pair meanwhile.

use crate::pair::Pair;
use crate::sync::AtomicUsize;
use loom::sync::Arc;

/// A value that has something of the key in both of its halves.
fn value(key: usize) -> u64 {
    (key as u64) << 30 | key as u64
}

fn pair() -> Pair {
    Pair::around([AtomicUsize::new(0), AtomicUsize::new(0)])
}

#[test]
fn halves_of_two_keys_are_no_value() {
    loom::model(|| {
        let pair = Arc::new(pair());
        let other = pair.clone();
        let other = loom::thread::spawn(move || other.set(1, value(1)));
        pair.set(2, value(2));
        for key in [1, 2] {
            let found = pair.get(key);
            assert!(found.is_none() || found == Some(value(key)), "{key}: {found:x?}");
        }
        other.join().unwrap();
    });
}

#[test]
fn what_was_written_last_is_found() {
    loom::model(|| {
        let pair = pair();
        pair.set(1, value(1));
        assert_eq!((pair.get(1), pair.get(2)), (Some(value(1)), None));
        pair.set(2, value(2));
        assert_eq!((pair.get(1), pair.get(2)), (None, Some(value(2))));
    });
}
