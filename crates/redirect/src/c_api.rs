//! C's functions over a heap: what the standards and glibc demand around allocating and freeing.
//!
//! The rules are those of C23, POSIX.1-2024 and glibc, where they leave a choice glibc's. Success never touches errno,
//! `free` never does.

use crate::platform::{REALLOC_TO_ZERO_FREES, foreign};
use crate::report::{report, report_unknown};
use crate::{BOOTSTRAP, Heap, HeapRedirect};
use core::ffi::c_char;
use core::ptr::null_mut;
use xalloc_heap::{Call, Incident, Refusal};
use xalloc_os::{errno, pages};

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
        if block.is_null() || BOOTSTRAP.owns(block) {
            return;
        }
        #[cfg(target_os = "linux")]
        self.consider_background_thread();
        // SAFETY: the block is in use, and the caller's, as C has it.
        if let Err(refusal) = unsafe { self.heap.free(block) } {
            self.free_refused(block, refusal);
        }
    }

    /// Frees a block of another allocator's, or reports a mistake.
    #[cold]
    #[inline(never)]
    fn free_refused(&self, block: *mut u8, refusal: Refusal) {
        if let Some(found) = self.maker(block, refusal, Call::Free) {
            // SAFETY: the block was recognised as another allocator's; as C has it, it is in use, and its owner frees it.
            unsafe { foreign::free(block as usize, found) };
        }
    }

    /// The allocator that made a block which the heap refuses; `None` if nobody has, which is reported for `call`.
    #[cold]
    fn maker(&self, block: *mut u8, refusal: Refusal, call: Call) -> Option<foreign::Foreign> {
        match refusal {
            Refusal::NotMine => self.recognise(block, call),
            Refusal::Misuse(misuse) => {
                report(Incident { call, address: block as usize, misuse });
                None
            }
        }
    }

    /// C23's `free_sized`. The size is of no use: whose a block is must be looked up anyway, and that gives its size.
    ///
    /// # Safety
    /// As C's: `size` is that of the request.
    #[inline(always)]
    pub unsafe fn free_sized(&self, block: *mut u8, _size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { self.free(block) };
    }

    /// C23's `free_aligned_sized`. As [`HeapRedirect::free_sized`].
    ///
    /// # Safety
    /// As C's: alignment and size are those of the request.
    #[inline(always)]
    pub unsafe fn free_aligned_sized(&self, block: *mut u8, _align: usize, _size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { self.free(block) };
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
                Some(heap) if !BOOTSTRAP.owns(block) => match heap.realloc(block, size) {
                    Ok(resized) => or_no_memory(resized),
                    Err(refusal) => self.realloc_refused(block, size, refusal),
                },
                _ if BOOTSTRAP.owns(block) => self.move_in(block, BOOTSTRAP.usable_size(block), size),
                _ => self.realloc_refused(block, size, Refusal::NotMine),
            }
        }
    }

    /// Resizes a block of another allocator's, or reports a mistake. Where the block's maker does not do it, it moves into the heap.
    #[cold]
    #[inline(never)]
    unsafe fn realloc_refused(&self, block: *mut u8, size: usize, refusal: Refusal) -> *mut u8 {
        let Some(found) = self.maker(block, refusal, Call::Realloc) else { return fail(libc::EINVAL) };
        // SAFETY: the block was recognised as another allocator's; as C has it, it is in use, and its owner uses only the result.
        unsafe {
            if let Some(resized) = foreign::resize(block as usize, found, size) {
                return resized;
            }
            let Some(old) = foreign::usable_size(block as usize, found) else {
                let what = b"its allocator cannot resize it, nor say its size";
                report_unknown(Call::Realloc, block as usize, &[what]);
                return fail(libc::EINVAL);
            };
            let new = self.move_in(block, old, size);
            if !new.is_null() {
                foreign::free(block as usize, found);
            }
            new
        }
    }

    /// A block of the heap's with what is in another one of `old` bytes.
    ///
    /// # Safety
    /// That one is in use, and the caller's.
    unsafe fn move_in(&self, block: *mut u8, old: usize, size: usize) -> *mut u8 {
        let new = self.malloc(size);
        if !new.is_null() {
            // SAFETY: both blocks are live and disjoint, and the copy fits in both.
            unsafe { new.copy_from_nonoverlapping(block, old.min(size)) };
        }
        new
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
            self.heap.usable_size(block).unwrap_or_else(|refusal| {
                let found = self.maker(block, refusal, Call::UsableSize);
                found.and_then(|found| foreign::usable_size(block as usize, found)).unwrap_or(0)
            })
        }
    }
}
