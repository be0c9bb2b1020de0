//! The remote free list: blocks of a heap that other threads freed, as a stack of segments that any thread pushes to and whoever
//! drains the heap takes whole.
//!
//! A segment is a batch of blocks of one slab, linked by its sender; one compare-and-swap delivers it. Nobody ever
//! pops single segments, the whole stack is swapped out: so there is no ABA, and no segment is ever read by two threads.

use crate::sync::{AtomicPtr, AtomicUsize, Ordering};
use core::ptr::null_mut;

/// The stack: many threads push, one takes all.
pub struct RemoteStack<T> {
    top: AtomicPtr<T>,
    /// About how many bytes of blocks wait. Every sender writes it after its push, and every helper after its change, which puts
    /// the two in an order: see [`RemoteStack::is_empty_after_change`].
    waiting: AtomicUsize,
}

impl<T> RemoteStack<T> {
    /// An empty stack around `top`, which is null, and `waiting`, which is 0.
    pub const fn around(top: AtomicPtr<T>, waiting: AtomicUsize) -> Self {
        Self { top, waiting }
    }

    /// About how many bytes wait after `segment`, with `bytes` of blocks, was given to whoever takes next. `set_link` stores in
    /// it the segment that it gets, or null: the one that will be behind it. It may be called several times.
    ///
    /// # Safety
    /// `segment` is valid, the caller's alone, and stays valid until taken.
    pub unsafe fn push(&self, segment: *mut T, bytes: usize, set_link: impl Fn(*mut T)) -> usize {
        // Relaxed: the value only becomes the link; the exchange below orders.
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            set_link(top);
            // Release: the taker sees the segment's contents and its link. Relaxed on failure: only a new `top` to try.
            match self.top.compare_exchange_weak(top, segment, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(current) => top = current,
            }
        }
        // Acquire and release: see `is_empty_after_change`.
        self.waiting.fetch_add(bytes, Ordering::AcqRel).wrapping_add(bytes)
    }

    /// The newest segment, which stays: its owner may be taking it at the moment. Null if there is none.
    pub fn peek(&self) -> *mut T {
        // Relaxed: its words are read one by one, and are believed only if they fit together.
        self.top.load(Ordering::Relaxed)
    }

    /// Whether there was nothing to take a moment ago.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: a hint; `take_all` orders.
        self.top.load(Ordering::Relaxed).is_null()
    }

    /// Whether nothing is left that a sender could rely on the caller for. The caller has just made something known that
    /// senders look at after a push: that it gave up its access to the heap, or that it has abandoned it.
    ///
    /// Of the two that write `waiting`, the later one acquires from the earlier one. So a sender that is later sees what the caller
    /// made known, and one that is earlier has its segment seen here.
    pub fn is_empty_after_change(&self) -> bool {
        // Acquire and release: as above.
        self.waiting.fetch_add(0, Ordering::AcqRel);
        self.is_empty()
    }

    /// How many bytes waited a moment ago, or somewhat more.
    pub fn waiting(&self) -> usize {
        // Relaxed: an estimate.
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes all segments: the newest, chained to the rest, or null. They are the caller's then.
    pub fn take_all(&self) -> *mut T {
        // First: what comes in between is counted too much, which may call a helper in vain, and never too little. Relaxed: the
        // exchange continues the release sequence of every sender before it.
        self.waiting.swap(0, Ordering::Relaxed);
        // Acquire: pairs with the Release of every push. It sees all of them, not only the newest, because each push is
        // a read-modify-write that continues the release sequence of those before it.
        self.top.swap(null_mut(), Ordering::Acquire)
    }
}
