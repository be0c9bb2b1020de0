//! Start-up runs once, and whoever comes later sees what it wrote.

use crate::startup::{Begin, Startup};
use crate::sync::AtomicUsize;
use loom::cell::UnsafeCell;
use loom::sync::Arc;

struct Process {
    startup: Startup,
    state: UnsafeCell<u32>,
}

// SAFETY: the state is written by start-up and read after it; loom reports if not.
unsafe impl Sync for Process {}
// SAFETY: as above.
unsafe impl Send for Process {}

impl Process {
    fn enter(&self, token: usize) {
        if !self.startup.is_ready() {
            match self.startup.begin(token) {
                Begin::Run => {
                    // SAFETY: the only thread that starts up.
                    self.state.with_mut(|state| unsafe { *state += 1 });
                    assert_eq!(self.startup.begin(token), Begin::Reentered);
                    self.startup.finish();
                }
                Begin::Ready => {}
                Begin::Reentered => unreachable!("two threads with one token"),
            }
        }
        // SAFETY: start-up is done.
        assert_eq!(self.state.with(|state| unsafe { *state }), 1);
    }
}

#[test]
fn runs_once_for_all() {
    loom::model(|| {
        let startup = Startup::around(AtomicUsize::new(0));
        let process = Arc::new(Process { startup, state: UnsafeCell::new(0) });
        let threads: Vec<_> = [16, 32]
            .into_iter()
            .map(|token| {
                let process = process.clone();
                loom::thread::spawn(move || process.enter(token))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
