//! The atomics of this crate's protocols, by one name, so that a model checker can compile the same files over its own.

pub use core::sync::atomic::{AtomicUsize, Ordering, fence};
