//! A reader that is told of no write has found all words of the same one.

use crate::sequence::Sequence;
use crate::sync::{AtomicUsize, Ordering};
use loom::sync::Arc;

struct List {
    sequence: Sequence,
    words: [AtomicUsize; 2],
}

fn list() -> Arc<List> {
    list_at(0)
}

/// A list whose sequence has come to this number.
fn list_at(number: usize) -> Arc<List> {
    Arc::new(List {
        sequence: Sequence::around(AtomicUsize::new(number)),
        words: [AtomicUsize::new(0), AtomicUsize::new(0)],
    })
}

impl List {
    fn write(&self, value: usize) {
        self.sequence.write(|| self.words.iter().for_each(|word| word.store(value, Ordering::Relaxed)));
    }

    fn read(&self) -> Option<[usize; 2]> {
        self.sequence.read(|| self.words.each_ref().map(|word| word.load(Ordering::Relaxed)))
    }
}

#[test]
fn words_of_one_write_are_read() {
    loom::model(|| {
        let list = list();
        // The reader is the second thread: loom lets the first one write on before the other has read.
        let read = list.clone();
        let reader = loom::thread::spawn(move || read.read());
        list.write(1);
        if let Some([first, second]) = reader.join().unwrap() {
            assert_eq!(first, second);
        }
        assert_eq!(list.read(), Some([1, 1]));
    });
}

#[test]
fn a_write_that_is_not_over_is_noticed() {
    loom::model(|| {
        let list = list();
        list.sequence.write(|| assert_eq!(list.read(), None));
        assert_eq!(list.read(), Some([0, 0]));
    });
}

/// A child process has no thread that ends its parent's write.
#[test]
fn a_write_that_a_fork_has_left_is_followed_by_a_whole_one() {
    loom::model(|| {
        let list = list_at(1);
        assert_eq!(list.read(), None);
        list.sequence.write(|| assert_eq!(list.read(), None));
        assert_eq!(list.read(), Some([0, 0]));
    });
}
