//! The way home for blocks that other threads free: a stack of segments that any thread pushes to and the owner takes
//! whole.
//!
//! A segment is a batch of blocks of one slab, linked by its sender; one compare-and-swap delivers it. The owner never
//! pops single segments, it swaps the whole stack out: so there is no ABA, and no segment is ever read by two threads.

use crate::sync::{AtomicPtr, Ordering};
use core::ptr::null_mut;

/// The stack: many threads push, one takes all.
pub struct RemoteStack<T>(AtomicPtr<T>);

impl<T> RemoteStack<T> {
    /// An empty stack around `top`, which is null.
    pub const fn new(top: AtomicPtr<T>) -> Self {
        Self(top)
    }

    /// Gives `segment` to whoever takes next. `set_link` stores in it the segment that it gets, or null: the one that will be
    /// behind it. It may be called several times.
    ///
    /// # Safety
    /// `segment` is valid, the caller's alone, and stays valid until taken.
    pub unsafe fn push(&self, segment: *mut T, set_link: impl Fn(*mut T)) {
        // Relaxed: the value only becomes the link; the exchange below orders.
        let mut top = self.0.load(Ordering::Relaxed);
        loop {
            set_link(top);
            // Release: the taker sees the segment's contents and its link. Relaxed on failure: only a new `top` to try.
            match self.0.compare_exchange_weak(top, segment, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => top = current,
            }
        }
    }

    /// The newest segment, which stays: its owner may be taking it at the moment. Null if there is none.
    pub fn peek(&self) -> *mut T {
        // Relaxed: its words are read one by one, and are believed only if they fit together.
        self.0.load(Ordering::Relaxed)
    }

    /// Whether there was nothing to take a moment ago.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: a hint; `take_all` orders.
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Takes all segments: the newest, chained to the rest, or null. They are the caller's then.
    pub fn take_all(&self) -> *mut T {
        // Acquire: pairs with the Release of every push. It sees all of them, not only the newest, because each push is
        // a read-modify-write that continues the release sequence of those before it.
        self.0.swap(null_mut(), Ordering::Acquire)
    }
}
