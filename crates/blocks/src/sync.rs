//! The atomics of this crate's protocols, and the lock, by one name, so that a model checker can compile the same files over
//! its own.

pub use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering, fence};
pub use xalloc_os::Lock;
pub use xalloc_os::lock::Guard as LockGuard;
