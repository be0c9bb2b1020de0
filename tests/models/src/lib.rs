//! The protocols of the library, checked over every interleaving and every value that the memory model allows.
//!
//! The files under test are the library's own, compiled here over loom's atomics: each takes its atomics from
//! `crate::sync`. Non-atomic data that a protocol protects is a loom cell, so that a missing edge is a reported race.
//!
//! loom treats sequentially consistent accesses as acquire and release: no protocol depends on more.

#![cfg(test)]

mod sync {
    //! The names that the library's files expect, from loom.
    pub use crate::lock::{Guard as LockGuard, Lock};
    pub use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
    pub use loom::thread::yield_now;
}

mod futex {
    //! The kernel's: it looks at the lower half of the word and puts to sleep in one step, and wakes only who is asleep. Whom
    //! nobody wakes sleeps for ever, which loom reports.
    use crate::sync::{AtomicUsize, Ordering};
    use loom::sync::{Condvar, Mutex};

    loom::lazy_static! {
        static ref SLEEPERS: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    pub fn wait(word: &AtomicUsize, expected: usize) {
        let entered = SLEEPERS.0.lock().unwrap();
        // Relaxed: the kernel's look at the word orders nothing for the program.
        if word.load(Ordering::Relaxed) as u32 == expected as u32 {
            drop(SLEEPERS.1.wait(entered).unwrap());
        }
    }

    /// The time is over at once.
    pub fn wait_at_most(_word: &AtomicUsize, _expected: usize, _milliseconds: u64) {}

    pub fn wake_one(_word: &AtomicUsize) {
        let _entered = SLEEPERS.0.lock().unwrap();
        SLEEPERS.1.notify_one();
    }

    /// Not at all: spinning only repeats the first attempt, and hides the way to sleep from the checker.
    pub fn spin(_attempt: impl FnMut() -> bool) -> bool {
        false
    }
}

mod thread {
    //! Tokens, as the library's threads have them: even, and not 0.
    use std::hash::{DefaultHasher, Hash, Hasher};

    pub fn token() -> usize {
        let mut hasher = DefaultHasher::new();
        loom::thread::current().id().hash(&mut hasher);
        (hasher.finish() as usize | 1 << 60) & !1
    }
}

mod abort {
    //! What ends the process in the library.

    pub fn abort_on_reentry() -> ! {
        panic!("waits for itself")
    }
}

#[path = "../../../crates/blocks/src/access.rs"]
mod access;
#[path = "../../../crates/blocks/src/changing.rs"]
mod changing;
#[allow(dead_code, reason = "the models use what the protocols need, not every method")]
#[path = "../../../crates/os/src/lock.rs"]
mod lock;
#[path = "../../../crates/blocks/src/ownership.rs"]
mod ownership;
#[allow(dead_code, reason = "as above: a model has one pair, whose words are never cleared")]
#[path = "../../../crates/observe/src/unwind/linux/pair.rs"]
mod pair;
#[path = "../../../crates/blocks/src/remote.rs"]
mod remote;
#[path = "../../../crates/observe/src/unwind/linux/sequence.rs"]
mod sequence;
#[allow(dead_code, reason = "as above: fork has one thread, so it has no interleavings")]
#[path = "../../../crates/redirect/src/startup.rs"]
mod startup;
#[path = "../../../crates/os/src/work_signal.rs"]
mod work_signal;

mod access_model;
mod changing_model;
mod lock_model;
mod ownership_model;
mod pair_model;
mod remote_model;
mod sequence_model;
mod startup_model;
mod work_signal_model;
