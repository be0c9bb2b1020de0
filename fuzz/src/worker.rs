//! Threads that do one thing at a time, when they are told to: what they do is several threads' work, and the same each time.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

type Work = Box<dyn FnOnce() + Send>;

/// A thread.
pub struct Worker {
    work: Option<Sender<Work>>,
    done: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Returns a thread that calls `begin` now, and `end` when the value is dropped.
    pub fn new(begin: impl FnOnce() + Send + 'static, end: impl FnOnce() + Send + 'static) -> Self {
        let (work, todo) = channel::<Work>();
        let (finished, done) = channel();
        let thread = std::thread::spawn(move || {
            begin();
            for work in todo {
                work();
                let _ = finished.send(());
            }
            end();
        });
        Self { work: Some(work), done, thread: Some(thread) }
    }

    /// Has the thread call `f`. Returns what that returns.
    pub fn run<T: Send + 'static>(&self, f: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, result) = channel();
        let work = move || drop(answer.send(f()));
        self.work.as_ref().expect("it lives").send(Box::new(work)).expect("the thread waits");
        self.done.recv().expect("the thread lives");
        result.recv().expect("it was sent")
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.work = None;
        self.thread.take().expect("it is joined once").join().expect("it has not panicked");
    }
}
