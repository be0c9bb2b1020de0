//! C's functions over a heap: what the standards and glibc demand around allocating and freeing.
//!
//! The rules are those of C23, POSIX.1-2024 and glibc, where they leave a choice glibc's. Success never touches errno,
//! `free` never does.

use crate::{BOOTSTRAP, Heap, HeapRedirect};
use core::ffi::c_char;
use core::ptr::null_mut;
use xalloc_heap::misuse::{self, Call, Misuse};
use xalloc_os::{REALLOC_TO_ZERO_FREES, errno, foreign, pages};

/// The largest object: no block is larger, because a difference of pointers into it must fit.
const MAX_SIZE: usize = isize::MAX as usize;
/// Every block is aligned to this, whatever its size: `alignof(max_align_t)`.
const MIN_ALIGN: usize = 16;

fn or_no_memory(block: *mut u8) -> *mut u8 {
    if block.is_null() {
        errno::set(libc::ENOMEM);
    }
    block
}

#[cold]
fn fail(code: i32) -> *mut u8 {
    errno::set(code);
    null_mut()
}

impl<H: Heap> HeapRedirect<H> {
    /// C's `malloc`.
    #[inline(always)]
    pub fn malloc(&self, size: usize) -> *mut u8 {
        let block = self.heap.cached_malloc(size);
        if !block.is_null() { block } else { self.malloc_slow(size) }
    }

    #[cold]
    #[inline(never)]
    fn malloc_slow(&self, size: usize) -> *mut u8 {
        #[cfg(target_os = "linux")]
        self.consider_background_thread();
        or_no_memory(self.try_malloc(size))
    }

    /// [`HeapRedirect::malloc`] without errno.
    fn try_malloc(&self, size: usize) -> *mut u8 {
        if size > MAX_SIZE {
            return null_mut();
        }
        match self.heap() {
            Some(heap) => heap.malloc(size),
            None => BOOTSTRAP.allocate(size, MIN_ALIGN),
        }
    }

    /// C's `free`.
    ///
    /// # Safety
    /// As C's; what is no block of any known allocator is reported.
    #[inline(always)]
    pub unsafe fn free(&self, block: *mut u8) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if !self.heap.cached_free(block) {
                self.free_slow(block);
            }
        }
    }

    #[inline(never)]
    unsafe fn free_slow(&self, block: *mut u8) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if !self.heap.free_remote(block) {
                self.free_any(block);
            }
        }
    }

    #[cold]
    #[inline(never)]
    unsafe fn free_any(&self, block: *mut u8) {
        #[cfg(target_os = "linux")]
        self.consider_background_thread();
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { self.free_with(block, |heap| heap.free(block)) }
    }

    /// Frees a block that was not at hand: `free_owned` frees one of the heap's own.
    #[inline(always)]
    unsafe fn free_with(&self, block: *mut u8, free_owned: impl FnOnce(&H)) {
        if block.is_null() || BOOTSTRAP.owns(block) {
            return;
        }
        match self.heap() {
            Some(heap) if heap.owns(block) => free_owned(heap),
            _ => {
                if let Some(found) = self.recognise(block, Call::Free) {
                    // SAFETY: the block was recognised as another allocator's, is in use, and is the caller's.
                    unsafe { foreign::free(block as usize, found) };
                }
            }
        }
    }

    /// C23's `free_sized`.
    ///
    /// # Safety
    /// As C's: `size` is that of the request.
    #[inline(always)]
    pub unsafe fn free_sized(&self, block: *mut u8, size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if !self.heap.cached_free(block) {
                self.free_with(block, |heap| heap.free_sized(block, size));
            }
        }
    }

    /// C23's `free_aligned_sized`.
    ///
    /// # Safety
    /// As C's: alignment and size are those of the request.
    #[inline(always)]
    pub unsafe fn free_aligned_sized(&self, block: *mut u8, align: usize, size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if !self.heap.cached_free(block) {
                self.free_with(block, |heap| heap.free_aligned_sized(block, align, size));
            }
        }
    }

    /// C's `calloc`.
    #[inline(always)]
    pub fn calloc(&self, count: usize, size: usize) -> *mut u8 {
        let Some(total) = count.checked_mul(size) else { return fail(libc::ENOMEM) };
        let block = self.heap.cached_malloc(total);
        if block.is_null() {
            return self.calloc_slow(total);
        }
        // SAFETY: a fresh block of at least `total` bytes.
        unsafe { block.write_bytes(0, total) };
        block
    }

    #[cold]
    #[inline(never)]
    fn calloc_slow(&self, total: usize) -> *mut u8 {
        if total > MAX_SIZE {
            return fail(libc::ENOMEM);
        }
        or_no_memory(match self.heap() {
            Some(heap) => heap.calloc(total),
            None => BOOTSTRAP.allocate(total, MIN_ALIGN),
        })
    }

    /// C's `realloc`, with the system's choice for size 0. glibc: the block is freed and null returned, errno untouched;
    /// macOS: a new block of the smallest size.
    ///
    /// # Safety
    /// As C's; what is no block of any known allocator is reported.
    #[inline(always)]
    pub unsafe fn realloc(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { if self.heap.cached_fits(block, size) { block } else { self.realloc_moving(block, size) } }
    }

    #[inline(never)]
    unsafe fn realloc_moving(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            let moved = self.heap.cached_move(block, size);
            if moved.is_null() { self.realloc_slow(block, size) } else { moved }
        }
    }

    #[inline(never)]
    unsafe fn realloc_slow(&self, block: *mut u8, size: usize) -> *mut u8 {
        if block.is_null() {
            return self.malloc(size);
        }
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if size == 0 && REALLOC_TO_ZERO_FREES {
                self.free(block);
                return null_mut();
            }
            if size > MAX_SIZE {
                return fail(libc::ENOMEM);
            }
            match self.heap() {
                Some(heap) if !BOOTSTRAP.owns(block) && heap.owns(block) => or_no_memory(heap.realloc(block, size)),
                _ => self.realloc_elsewhere(block, size),
            }
        }
    }

    /// Resizes a block that is not the heap's: where its maker does not do it, it moves into the heap.
    #[cold]
    unsafe fn realloc_elsewhere(&self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            let (old, maker) = if BOOTSTRAP.owns(block) {
                (BOOTSTRAP.usable_size(block), None)
            } else {
                let Some(found) = self.recognise(block, Call::Realloc) else { return fail(libc::EINVAL) };
                if let Some(resized) = foreign::resize(block as usize, found, size) {
                    return resized;
                }
                let Some(old) = foreign::usable_size(block as usize, found) else {
                    let misuse = Misuse::Elsewhere("its allocator cannot resize it, nor say its size");
                    misuse::report(Call::Realloc, block as usize, misuse);
                    return fail(libc::EINVAL);
                };
                (old, Some(found))
            };
            let new = self.malloc(size);
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, old.min(size));
                if let Some(found) = maker {
                    foreign::free(block as usize, found);
                }
            }
            new
        }
    }

    /// POSIX's `reallocarray`.
    ///
    /// # Safety
    /// As [`HeapRedirect::realloc`].
    pub unsafe fn reallocarray(&self, block: *mut u8, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            // SAFETY: the block is null or in use, and the caller's, as C has it.
            Some(total) => unsafe { self.realloc(block, total) },
            None => fail(libc::ENOMEM),
        }
    }

    /// A block aligned to a power of two, or null. Leaves errno alone.
    pub(crate) fn try_aligned(&self, align: usize, size: usize) -> *mut u8 {
        if align <= MIN_ALIGN {
            let block = self.heap.cached_malloc(size);
            return if block.is_null() { self.try_malloc(size) } else { block };
        }
        // Room for the alignment as well, so that no heap's sum overflows.
        if align > MAX_SIZE / 2 || size > MAX_SIZE - align {
            return null_mut();
        }
        match self.heap() {
            Some(heap) => heap.memalign(align, size),
            None => BOOTSTRAP.allocate(size, align),
        }
    }

    /// glibc's `memalign`: an alignment that is no power of two is rounded up to one.
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        match align.checked_next_power_of_two() {
            Some(align) => or_no_memory(self.try_aligned(align, size)),
            None => fail(libc::EINVAL),
        }
    }

    /// C's `aligned_alloc`: the alignment must be a power of two, the size need not be a multiple of it.
    pub fn aligned_alloc(&self, align: usize, size: usize) -> *mut u8 {
        if !align.is_power_of_two() {
            return fail(libc::EINVAL);
        }
        or_no_memory(self.try_aligned(align, size))
    }

    /// POSIX's `posix_memalign`: an error code; `*result` is untouched on failure. Without memory, errno is set as well, as glibc
    /// does and programs expect; a bad alignment leaves it alone.
    ///
    /// # Safety
    /// `result` can be written to.
    pub unsafe fn posix_memalign(&self, result: *mut *mut u8, align: usize, size: usize) -> i32 {
        if !align.is_power_of_two() || align < size_of::<*mut u8>() {
            return libc::EINVAL;
        }
        let block = or_no_memory(self.try_aligned(align, size));
        if block.is_null() {
            return libc::ENOMEM;
        }
        // SAFETY: POSIX leaves it to the program that the result may be written.
        unsafe { *result = block };
        0
    }

    /// A string of the first `length` bytes of `text`, as `strdup` makes it; null if there is no memory.
    ///
    /// # Safety
    /// `text` has as many bytes.
    pub unsafe fn copy_string(&self, text: *const c_char, length: usize) -> *mut u8 {
        let block = self.malloc(length + 1);
        if !block.is_null() {
            // SAFETY: the text has `length` bytes, and the fresh block one byte more.
            unsafe {
                block.copy_from_nonoverlapping(text.cast(), length);
                block.add(length).write(0);
            }
        }
        block
    }

    /// The old `valloc`: aligned to a page.
    pub fn valloc(&self, size: usize) -> *mut u8 {
        or_no_memory(self.try_aligned(pages::page_size(), size))
    }

    /// The old `pvalloc`: whole pages, at least one.
    pub fn pvalloc(&self, size: usize) -> *mut u8 {
        match size.max(1).checked_next_multiple_of(pages::page_size()) {
            Some(size) => self.valloc(size),
            None => fail(libc::ENOMEM),
        }
    }

    /// glibc's `malloc_usable_size`: constant while the block lives; all of it may be written. 0 for a block of another allocator
    /// that does not say.
    ///
    /// # Safety
    /// As [`HeapRedirect::free`].
    pub unsafe fn malloc_usable_size(&self, block: *mut u8) -> usize {
        if block.is_null() {
            return 0;
        }
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe {
            if BOOTSTRAP.owns(block) {
                return BOOTSTRAP.usable_size(block);
            }
            match self.heap() {
                Some(heap) if heap.owns(block) => heap.usable_size(block),
                _ => {
                    let found = self.recognise(block, Call::UsableSize);
                    found.and_then(|found| foreign::usable_size(block as usize, found)).unwrap_or(0)
                }
            }
        }
    }
}
