//! The way home for blocks that other threads free: a stack of segments that any thread pushes to and the owner takes
//! whole.
//!
//! A segment is a batch of blocks of one slab, linked by its sender; one compare-and-swap delivers it. The owner never
//! pops single segments, it swaps the whole stack out: so there is no ABA, and no segment is ever read by two threads.

use crate::sync::{AtomicPtr, Ordering};
use core::ptr::null_mut;

/// Something that can be chained on a [`RemoteStack`]: while it is there, one word of it belongs to the stack.
pub trait Chained {
    /// Stores the stack's link.
    ///
    /// # Safety
    /// `this` is valid and the caller's alone.
    unsafe fn set_link(this: *mut Self, link: *mut Self);

    /// The stack's link.
    ///
    /// # Safety
    /// As for [`Chained::set_link`], which was called before.
    unsafe fn link(this: *mut Self) -> *mut Self;
}

/// The stack: many threads push, one takes all.
pub struct RemoteStack<T>(AtomicPtr<T>);

impl<T: Chained> RemoteStack<T> {
    /// An empty stack around `top`, which is null.
    pub const fn new(top: AtomicPtr<T>) -> Self {
        Self(top)
    }

    /// Gives `segment` to whoever takes next.
    ///
    /// # Safety
    /// `segment` is valid, the caller's alone, and stays valid until taken.
    pub unsafe fn push(&self, segment: *mut T) {
        // Relaxed: the value only becomes the link; the exchange below orders.
        let mut top = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: the segment is still ours: it was not published yet.
            unsafe { T::set_link(segment, top) };
            // Release: the taker sees the segment's contents and its link. Relaxed on failure: only a new `top` to try.
            match self.0.compare_exchange_weak(top, segment, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => top = current,
            }
        }
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
