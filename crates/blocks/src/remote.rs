//! The remote free list: blocks of a heap that other threads freed, as a stack of batches that any thread pushes to and whoever
//! drains the heap takes whole.
//!
//! A batch is a chain of blocks of one slab, linked by its sender; one compare-and-swap delivers it. Nobody ever
//! pops single batches, the whole stack is swapped out: so there is no ABA, and no batch is ever read by two threads.

use crate::sync::{AtomicUsize, Ordering};
use core::marker::PhantomData;

/// The stack: many threads push, one takes all. In one word: the address of the newest batch, and from `ADDRESS_BITS` on how
/// much waits, in units of `UNIT` bytes, as far as the bits reach. So a push is one atomic operation.
pub struct RemoteStack<T> {
    top: AtomicUsize,
    batches: PhantomData<*mut T>,
}

/// Addresses of user space have no more, unless a program asks for a mapping above them.
const ADDRESS_BITS: u32 = 48;
/// Small enough that batches of few blocks, whose bytes are rounded up, do not count for much more; and 2^16 of them are 8 MiB.
const UNIT: usize = 128;
const MOST_UNITS: usize = usize::MAX >> ADDRESS_BITS;

impl<T> RemoteStack<T> {
    /// Returns an empty stack around `top`, which is 0.
    pub const fn around(top: AtomicUsize) -> Self {
        Self { top, batches: PhantomData }
    }

    /// Pushes `batch`, with `bytes` of blocks. Returns about how many bytes wait then. `set_link` stores in
    /// it the batch that it gets, or null: the one that will be behind it. It may be called several times.
    ///
    /// # Safety
    /// `batch` is valid, the caller's alone, and stays valid until taken.
    pub unsafe fn push(&self, batch: *mut T, bytes: usize, set_link: impl Fn(*mut T)) -> usize {
        // Relaxed: the value only becomes the link; the exchange below orders.
        let mut top = self.top.load(Ordering::Relaxed);
        loop {
            set_link(newest(top));
            let pushed = with_units(batch, units(top) + bytes.div_ceil(UNIT));
            // Release: the taker sees the batch's contents and its link. Acquire: see `is_empty_after_change`. Relaxed on
            // failure: only a new `top` to try.
            match self.top.compare_exchange_weak(top, pushed, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return units(pushed) * UNIT,
                Err(current) => top = current,
            }
        }
    }

    /// Returns the newest batch, which stays: its owner may be taking it at the moment. Null if there is none.
    pub fn peek(&self) -> *mut T {
        // Relaxed: its words are read one by one, and are believed only if they fit together.
        newest(self.top.load(Ordering::Relaxed))
    }

    /// Returns whether there was nothing to take a moment ago.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // Relaxed: a hint; `take_all` orders.
        self.top.load(Ordering::Relaxed) == 0
    }

    /// Returns whether nothing is left that a sender relies on the caller to take. The caller has just made something known
    /// that senders look at after a push: that it gave up its access to the heap, or that it has abandoned it.
    ///
    /// Of this change of the word and a sender's, the later one acquires from the earlier one. So a sender that is later sees
    /// what the caller made known, and one that is earlier has its batch seen here.
    pub fn is_empty_after_change(&self) -> bool {
        // Acquire and release: as above.
        self.top.fetch_add(0, Ordering::AcqRel) == 0
    }

    /// Returns how many bytes waited a moment ago, or somewhat more; 8 MiB at most.
    pub fn waiting(&self) -> usize {
        // Relaxed: an estimate.
        units(self.top.load(Ordering::Relaxed)) * UNIT
    }

    /// Takes all batches: the newest, chained to the rest, or null. They are the caller's then.
    pub fn take_all(&self) -> *mut T {
        // Acquire: pairs with the release of every push. It sees all of them, not only the newest, because each push is
        // a read-modify-write that continues the release sequence of those before it.
        newest(self.top.swap(0, Ordering::Acquire))
    }
}

fn newest<T>(top: usize) -> *mut T {
    (top & ((1 << ADDRESS_BITS) - 1)) as *mut T
}

fn units(top: usize) -> usize {
    top >> ADDRESS_BITS
}

fn with_units<T>(batch: *mut T, units: usize) -> usize {
    batch as usize | units.min(MOST_UNITS) << ADDRESS_BITS
}
