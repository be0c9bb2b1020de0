//! The heap of one thread.

use super::classes::SizeClasses;
use core::marker::PhantomData;
use xalloc_blocks::single_writer::Count32;
use xalloc_blocks::thread_heap::ThreadHeap;

/// The heap of one thread, of blocks of the classes `T`.
pub type ThreadLocalHeap<const N: usize, T> = ThreadHeap<N, Pages<N, T>, Window>;

/// Zeros that are never written, as large as a heap of threads: what the thread's word points at when another heap's hit paths
/// come before this one's. They read it as empty bins, and find none of a block's bins in it.
#[repr(align(16384))]
pub struct Window([u8; 16384]);

impl Window {
    /// Returns its address.
    pub fn word(&self) -> *mut u8 {
        self.0.as_ptr().cast_mut()
    }
}

/// How many slabs of each class a thread has.
pub struct Pages<const N: usize, T> {
    counts: [Count32; N],
    classes: PhantomData<fn() -> T>,
}

impl<const N: usize, T: SizeClasses<N>> Pages<N, T> {
    /// Returns how many slabs of the class it has.
    pub fn count(&self, class: usize) -> usize {
        self.counts[class].get() as usize
    }

    /// Counts a slab that the heap has from now on. By who has access to it.
    pub fn note_came(&self, class: usize) {
        self.counts[class].set(self.counts[class].get() + 1);
    }

    /// Counts a slab that the heap has no more. By who has access to it.
    pub fn note_went(&self, class: usize) {
        self.counts[class].set(self.counts[class].get() - 1);
    }
}
