//! Local heaps: heaps that one thread at a time uses, as many as a program wants, each destroyed as a whole.
//!
//! ```
//! use xalloc_heaps::local::LocalHeap;
//! use xalloc_heaps::pow2::LocalPow2;
//!
//! let heap = LocalHeap::<LocalPow2>::new().expect("memory for a heap");
//! let block = heap.malloc(100);
//! assert!(!block.is_null());
//! drop(heap); // and with it the block
//! ```
//!
//! Several threads cannot use one:
//!
//! ```compile_fail,E0277
//! use xalloc_heaps::local::LocalHeap;
//! use xalloc_heaps::pow2::LocalPow2;
//!
//! let heap = LocalHeap::<LocalPow2>::new().unwrap();
//! std::thread::scope(|scope| {
//!     scope.spawn(|| heap.malloc(100));
//! });
//! ```

mod large;
mod pool;
mod records;
mod shared;

pub use large::Large;
pub(crate) use shared::{postfork, prefork, release_unused, shared, trim};

use core::cell::Cell;
use core::marker::PhantomData;
use core::ptr::NonNull;
use pool::Pool;
use xalloc_blocks::back_end::room_to_grow;
use xalloc_heap::{Refusal, realloc_by_copy};

/// A heap that one thread at a time uses.
///
/// # Safety
/// Blocks handed out are aligned as promised, disjoint, and valid until they are freed or the heap releases all.
pub unsafe trait OneThread: Sized {
    /// Makes the heap ready: zeros, at an address where it stays.
    fn begin(&self);

    /// Returns a block of at least `size` bytes, aligned to 16; null if there is no memory.
    fn malloc(&self, size: usize) -> *mut u8;

    /// Returns a block of `size` zeros at least, aligned to 16; null if there is no memory.
    fn calloc(&self, size: usize) -> *mut u8;

    /// Returns a block of at least `size` bytes aligned to `align`, a power of two; null if there is no memory.
    fn memalign(&self, align: usize, size: usize) -> *mut u8;

    /// Takes a block back.
    ///
    /// # Errors
    /// It is no block of this heap that is in use, for this reason.
    ///
    /// # Safety
    /// Nobody uses the block any more, if it is one of this heap.
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal>;

    /// Returns how many bytes of the block may be used. Any address may be asked about.
    ///
    /// # Errors
    /// As [`OneThread::free`].
    fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal>;

    /// Takes all blocks back. The heap is as [`OneThread::begin`] left it.
    ///
    /// # Safety
    /// Nobody uses any block of it any more.
    unsafe fn release_all(&self);
}

/// A heap for one thread at a time; all its blocks go with it. The value may go to another thread, and the heap with it.
pub struct LocalHeap<H: OneThread + 'static>(NonNull<Record<H>>, PhantomData<Cell<()>>);

/// A heap, and a mark on its memory while it lives.
#[repr(C)]
struct Record<H> {
    /// First, so that a pointer to the one is a pointer to the other.
    heap: H,
    mark: Cell<usize>,
}

// SAFETY: whoever has the value is the only one that uses the heap, and moving it to another thread orders what was done
// before.
unsafe impl<H: OneThread> Send for LocalHeap<H> {}

impl<H: OneThread> LocalHeap<H> {
    /// Returns a heap without blocks. `None` if there is no memory for it.
    pub fn new() -> Option<Self> {
        // Zeroed memory of this size and alignment, which is nobody else's until it goes back.
        let new = Self(NonNull::new(Pool::<Record<H>>::take()?)?, PhantomData);
        new.record().heap.begin();
        new.record().mark.set(shared().mark(new.0.addr().get()));
        Some(new)
    }

    fn record(&self) -> &Record<H> {
        // SAFETY: the record is this value's until it is dropped.
        unsafe { self.0.as_ref() }
    }

    /// Returns a block of at least `size` bytes, aligned to 16; null if there is no memory.
    pub fn malloc(&self, size: usize) -> *mut u8 {
        if size > isize::MAX as usize { core::ptr::null_mut() } else { self.record().heap.malloc(size) }
    }

    /// Returns a block of `size` zeros at least, aligned to 16; null if there is no memory.
    pub fn calloc(&self, size: usize) -> *mut u8 {
        if size > isize::MAX as usize { core::ptr::null_mut() } else { self.record().heap.calloc(size) }
    }

    /// Returns a block of at least `size` bytes aligned to `align`; null if there is no memory, or `align` is no power of two.
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        if size > isize::MAX as usize || !align.is_power_of_two() {
            return core::ptr::null_mut();
        }
        self.record().heap.memalign(align, size)
    }

    /// Takes a block back. Null is none, and fine.
    ///
    /// # Errors
    /// It is no block of this heap that is in use, for this reason.
    ///
    /// # Safety
    /// Nobody uses the block any more.
    pub unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal> {
        if block.is_null() {
            return Ok(());
        }
        // SAFETY: nobody uses the block any more, if it is one of this heap.
        unsafe { self.record().heap.free(block) }
    }

    /// Returns how many bytes of the block may be used. Any address may be asked about.
    ///
    /// # Errors
    /// As [`LocalHeap::free`].
    pub fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal> {
        self.record().heap.usable_size(block)
    }

    /// Returns a block of at least `size` bytes with the old one's contents as far as they fit; the old one is gone then,
    /// unless the result is null. Null as an old block is an empty one.
    ///
    /// # Errors
    /// As [`LocalHeap::free`].
    ///
    /// # Safety
    /// As [`LocalHeap::free`].
    pub unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        if block.is_null() {
            return Ok(self.malloc(size));
        }
        let old = self.usable_size(block)?;
        if size <= old && size >= old / 2 {
            return Ok(block);
        }
        let malloc = || {
            // Of any size: a block that grows is always copied.
            let wanted = room_to_grow(old, size, isize::MAX as usize);
            let new = self.malloc(wanted);
            if new.is_null() && wanted != size { self.malloc(size) } else { new }
        };
        // SAFETY: the block's size was found just now; the caller's that it is in use, and given up.
        Ok(unsafe { realloc_by_copy(block, old, size, malloc, |block| self.record().heap.free(block)) })
    }
}

impl<H: OneThread> LocalHeap<H> {
    /// Returns the heap as a pointer, for C, and forgets it.
    pub fn into_raw(self) -> *mut H {
        let record = self.0.cast();
        core::mem::forget(self);
        record.as_ptr()
    }

    /// Returns the heap that [`LocalHeap::into_raw`] gave away. `None` if there is none at this address: it was dropped since,
    /// or there never was one.
    ///
    /// # Safety
    /// If it lives, there is no other such value at the moment. If the address is another one, it can be read.
    pub unsafe fn from_raw(heap: *mut H) -> Option<Self> {
        let record = NonNull::new(heap.cast::<Record<H>>()).filter(|record| record.is_aligned())?;
        // SAFETY: the caller's; records of heaps are never unmapped. Only one of a heap that lives has its mark in it.
        let mark = unsafe { (&raw const (*record.as_ptr()).mark).cast::<usize>().read() };
        (mark == shared().mark(record.addr().get())).then(|| Self(record, PhantomData))
    }
}

impl<H: OneThread> Drop for LocalHeap<H> {
    fn drop(&mut self) {
        self.record().mark.set(0);
        // SAFETY: whoever had a block of it had it no longer than the heap, as C programs promise, and Rust's borrows have it.
        unsafe {
            self.record().heap.release_all();
            Pool::give(self.0.as_ptr());
        }
    }
}

#[cfg(test)]
mod tests;
