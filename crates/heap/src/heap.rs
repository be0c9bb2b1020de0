//! The contract between a heap and whoever serves a program with it.

use crate::misuse::{Misuse, Refusal, Report};
use crate::stats::Stats;
use core::ptr;

/// A heap: anything that can serve `malloc` and `free`.
///
/// Four methods are required, in C's own words; the rest has defaults that make a heap of only those four run any
/// program. A heap is a `static`, made by a `const fn` and never dropped: it works before the first constructor of the
/// process and after the last destructor.
///
/// What it need not do: check a size against `PTRDIFF_MAX` or an alignment for being a power of two, set errno, run
/// `new_handler`, accept null in `free` and `usable_size`. The redirect layer does that once for all heaps.
///
/// # What a heap may call
/// Any method may run at any moment of the process: while the loader holds its locks, in a constructor, while a thread is
/// torn down. So none may call `dlopen`, `dlsym`, stdio or anything else of libc that allocates or locks; memory comes
/// from the kernel, as crate `xalloc-os` has it. A heap's locks are leaves: nothing foreign is called while one is held.
///
/// # Fork
/// A heap with locks takes all of them in [`Heap::prefork`], in a fixed order, and releases them in
/// [`Heap::postfork_parent`] and [`Heap::postfork_child`].
///
/// # Safety
/// Blocks handed out are aligned as promised, disjoint, and valid until freed, from any thread.
pub unsafe trait Heap: Sync {
    /// Returns a block of at least `size` bytes (0 is a size like others), aligned to 16; null if there is no memory.
    fn malloc(&self, size: usize) -> *mut u8;

    /// Returns a block of at least `size` bytes aligned to `align`, a power of two; null if there is no memory.
    fn memalign(&self, align: usize, size: usize) -> *mut u8;

    /// Takes a block back. One look at the pointer answers everything: the block is free, or it is no block of this heap, or
    /// what the program did wrong.
    ///
    /// A heap that cannot tell its own blocks from others returns `Ok`, and is given every pointer that the redirect layer does
    /// not know itself. It may be called by a thread before its [`Heap::thread_init`], and after its [`Heap::thread_exit`].
    ///
    /// # Errors
    /// Nothing was done, for this reason.
    ///
    /// # Safety
    /// `block` is a live block of this heap, which nobody uses any more, or a pointer that the heap can tell from one.
    unsafe fn free(&self, block: *mut u8) -> Result<(), Refusal>;

    /// Returns how many bytes of the block may be used: constant while it lives.
    ///
    /// # Errors
    /// It is no block, for this reason.
    ///
    /// # Safety
    /// As [`Heap::free`], but the block stays in use.
    unsafe fn usable_size(&self, block: *mut u8) -> Result<usize, Refusal>;

    /// Returns a block of [`Heap::malloc`] from the calling thread's cache, or null. The hit path: inlined into `malloc`, it
    /// must do nothing when the thread has none cached, in particular before [`Heap::init`] and [`Heap::thread_init`].
    #[inline(always)]
    fn cached_malloc(&self, _size: usize) -> *mut u8 {
        ptr::null_mut()
    }

    /// [`Heap::free`] into the calling thread's cache; returns false if it did nothing. The hit path: as for
    /// [`Heap::cached_malloc`]; null and pointers that are not this heap's come here too.
    ///
    /// # Safety
    /// `block` is null, a live block of this heap, or a pointer that it can tell from one.
    #[inline(always)]
    unsafe fn cached_free(&self, _block: *mut u8) -> bool {
        false
    }

    /// Returns whether `block` can stay where it is when it is resized to `size`, as far as the calling thread's cache tells.
    /// A hit path: as for [`Heap::cached_free`]. Called with size 0 too; must then return false.
    ///
    /// # Safety
    /// As [`Heap::cached_free`].
    #[inline(always)]
    unsafe fn cached_fits(&self, _block: *mut u8, _size: usize) -> bool {
        false
    }

    /// [`Heap::realloc`] of a block that does not fit, if both blocks are of the calling thread's cache; otherwise returns
    /// null, without side effects. As for [`Heap::cached_fits`].
    ///
    /// # Safety
    /// As [`Heap::cached_free`].
    #[inline(always)]
    unsafe fn cached_move(&self, _block: *mut u8, _size: usize) -> *mut u8 {
        core::ptr::null_mut()
    }

    /// Returns a block of [`Heap::malloc`] with zeroed contents.
    fn calloc(&self, size: usize) -> *mut u8 {
        let block = self.malloc(size);
        if !block.is_null() {
            // SAFETY: a fresh block of at least `size` bytes.
            unsafe { block.write_bytes(0, size) };
        }
        block
    }

    /// Returns a block of at least `size` bytes with the old one's contents as far as they fit; the old one is gone then. Null
    /// if there is no memory: then the old one is untouched.
    ///
    /// # Errors
    /// The old one is no block, for this reason, and nothing was done.
    ///
    /// # Safety
    /// As [`Heap::free`].
    unsafe fn realloc(&self, block: *mut u8, size: usize) -> Result<*mut u8, Refusal> {
        // SAFETY: the block is in use, and the caller's; its size was found just now.
        unsafe {
            let old = self.usable_size(block)?;
            if size <= old && size >= old / 2 {
                return Ok(block);
            }
            Ok(realloc_by_copy(block, old, size, || self.malloc(size), |block| self.free(block)))
        }
    }

    /// Returns the usable size of the block that starts at this address, 0 if none of this heap's does: for any value whatever,
    /// without a report. The default is for heaps that cannot tell.
    fn block_size(&self, _address: usize) -> usize {
        0
    }

    /// Returns what whoever counts must know of a block. The default is for heaps that have no parts of threads.
    ///
    /// # Errors
    /// As [`Heap::usable_size`].
    ///
    /// # Safety
    /// As [`Heap::usable_size`].
    unsafe fn inspect(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        // SAFETY: passed on.
        unsafe { self.usable_size(block) }.map(|usable| Inspected { usable, is_own: true })
    }

    /// Takes a block back, and returns what it was: [`Heap::free`] and [`Heap::inspect`] at once.
    ///
    /// # Errors
    /// As [`Heap::free`].
    ///
    /// # Safety
    /// As [`Heap::free`].
    #[inline]
    unsafe fn free_inspected(&self, block: *mut u8) -> Result<Inspected, Refusal> {
        // SAFETY: passed on.
        unsafe {
            let found = self.inspect(block)?;
            if !self.cached_free(block) {
                self.free(block)?;
            }
            Ok(found)
        }
    }

    /// Returns the usable size of a block that `malloc` or `calloc` has handed out just now for `size` bytes.
    ///
    /// # Safety
    /// It is such a block.
    #[inline]
    unsafe fn fresh_size(&self, block: *mut u8, size: usize) -> usize {
        // SAFETY: a block in use, as the caller has it.
        unsafe { self.usable_size(block) }.unwrap_or(size)
    }

    /// Returns what is wrong with an address that this heap said is not its own ([`Refusal::NotMine`]), if it lies in its
    /// memory all the same: for a message, when nobody else knows the address either. It may be slow.
    fn misuse_at(&self, _address: usize) -> Option<Misuse> {
        None
    }

    /// Returns the usable size that a request of `size` bytes would get.
    fn good_size(&self, size: usize) -> usize {
        size.checked_next_multiple_of(16).unwrap_or(size)
    }

    /// Purges free memory, but for about `keep` bytes. Returns whether any was purged.
    fn trim(&self, _keep: usize) -> bool {
        false
    }

    /// Returns what the heap holds; `None` if it does not count.
    fn stats(&self) -> Option<Stats> {
        None
    }

    /// Returns whether the user wants a thread of the library's own to call [`Heap::purge_in_background`]. It does not change
    /// after [`Heap::process_init`].
    fn wants_background_thread(&self) -> bool {
        false
    }

    /// Returns whether there is so much free memory that it should be purged. Such a heap has the threads that use it come to a
    /// slow path.
    fn has_surplus(&self) -> bool {
        false
    }

    /// Purges what is due whenever it is due, and returns after [`Heap::end_background`] only. One thread at a time calls it,
    /// which is no other method's.
    fn purge_in_background(&self) {}

    /// Has [`Heap::purge_in_background`] return, also if it is called later only: once for each call of it.
    fn end_background(&self) {}

    /// Returns whether `mallinfo` and its like are to be answered by the next allocator in the process, because this heap only
    /// passes through to it.
    fn passes_through(&self) -> bool {
        false
    }

    /// Called once, before the first other call but `cached_*`, [`Heap::free`], [`Heap::usable_size`] and [`Heap::misuse_at`].
    /// What it allocates by way of `malloc` comes from a small static arena. It may run before libc's own start-up. `report`
    /// takes what the heap notices later than at the call that is wrong, such as a free block that was written to; a heap that
    /// notices nothing needs no such function.
    fn init(&self, _report: Report) {}

    /// Called once when the process's constructors run: after libc can be used, before the program's own code.
    fn process_init(&self) {}

    /// Called once by each thread, before its first other call but `cached_*`, [`Heap::free`], [`Heap::usable_size`] and
    /// [`Heap::misuse_at`].
    fn thread_init(&self) {}

    /// Called once by each thread that ends (but not by the last one of a process), after which it may still call
    /// everything, rarely: libc frees some of the thread's memory late.
    fn thread_exit(&self) {}

    /// Called before the program opens a module (`dlopen`), and so before code can be where other code was that it has closed.
    fn before_dlopen(&self) {}

    /// Called before the process forks, by the thread that does.
    fn prefork(&self) {}

    /// Called in the parent after the fork, by the same thread.
    fn postfork_parent(&self) {}

    /// Called in the child, by its only thread.
    fn postfork_child(&self) {}
}

/// What [`Heap::inspect`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// How many bytes of the block may be used.
    pub usable: usize,
    /// Whether the block is of the calling thread's part of the heap, so that its `free` is no message to another thread.
    pub is_own: bool,
}

/// Returns a block of `malloc`, which makes one of at least `size` bytes or returns null, with the contents of `block` as far
/// as they fit; the old block has gone to `free`. If there is no memory: the old block if it holds `size` bytes, otherwise null.
///
/// # Safety
/// `block` is in use and has `old` usable bytes; nobody uses it any more when `free` gets it.
pub unsafe fn realloc_by_copy(
    block: *mut u8,
    old: usize,
    size: usize,
    malloc: impl FnOnce() -> *mut u8,
    free: impl FnOnce(*mut u8) -> Result<(), Refusal>,
) -> *mut u8 {
    let new = malloc();
    if new.is_null() {
        return if size <= old { block } else { new };
    }
    // SAFETY: both blocks are in use and disjoint, and the copy fits in both.
    unsafe { new.copy_from_nonoverlapping(block, old.min(size)) };
    // It is a block in use.
    let _ = free(block);
    new
}
