//! The protocols of the library, checked over every interleaving and every value that the memory model allows.
//!
//! The files under test are the library's own, compiled here over loom's atomics: each takes its atomics from
//! `crate::sync`. Non-atomic data that a protocol protects is a loom cell, so that a missing edge is a reported race.
//!
//! loom treats sequentially consistent accesses as acquire and release, and fences as they are; the one place that
//! depends on more ([`tenancy`](../xalloc_heap/tenancy/index.html)) uses a fence.

#![cfg(test)]

mod sync {
    //! The names that the library's files expect, from loom.
    pub use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering, fence};
    pub use loom::thread::yield_now;
}

mod futex {
    //! A futex that needs no wake-up: what is checked here is exclusion, not that nobody sleeps too long.
    use crate::sync::{AtomicUsize, Ordering};

    pub fn wait(word: &AtomicUsize, expected: usize) {
        // Relaxed: the kernel's look at the word orders nothing for the program.
        while word.load(Ordering::Relaxed) == expected {
            loom::thread::yield_now();
        }
    }

    pub fn wake_one(_word: &AtomicUsize) {}

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

#[allow(dead_code, reason = "the models use what the protocols need, not every method")]
#[path = "../../../crates/os/src/lock.rs"]
mod lock;
#[path = "../../../crates/heap/src/remote.rs"]
mod remote;
#[allow(dead_code, reason = "as above: fork has one thread, so it has no interleavings")]
#[path = "../../../crates/os/src/startup.rs"]
mod startup;
#[allow(dead_code, reason = "as above")]
#[path = "../../../crates/heap/src/tenancy.rs"]
mod tenancy;

mod lock_model;
mod remote_model;
mod startup_model;
mod tenancy_model;
