//! C's functions over a heap: what the standards and glibc demand of allocating and freeing.
//!
//! The rules are those of C23, POSIX.1-2024 and glibc; where the standards leave a choice, glibc's. A call that succeeds never
//! changes errno, and `free` never does.

use crate::platform::{REALLOC_TO_ZERO_FREES, foreign};
use crate::report::{report, report_unknown};
use crate::{BOOTSTRAP, Heap, HeapRedirect};
use core::ffi::c_char;
use core::ptr::null_mut;
use xalloc_heap::{Call, Incident, Refusal};
use xalloc_os::{errno, pages};

/// The size of the largest block in bytes: a difference of two pointers into a block must fit in a word.
const MAX_SIZE: usize = isize::MAX as usize;
/// The alignment of every block in bytes, whatever its size: `alignof(max_align_t)`.
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
    /// Does what C's `malloc` does.
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

    /// Returns a block like [`HeapRedirect::malloc`], but leaves errno alone.
    fn try_malloc(&self, size: usize) -> *mut u8 {
        if size > MAX_SIZE {
            return null_mut();
        }
        match self.heap() {
            Some(heap) => heap.malloc(size),
            None => BOOTSTRAP.allocate(size, MIN_ALIGN),
        }
    }

    /// Does what C's `free` does.
    ///
    /// # Safety
    /// The same as for C's function. A pointer that is not a block of any known allocator is reported.
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

    /// Frees a block of another allocator, or reports a mistake.
    #[cold]
    #[inline(never)]
    fn free_refused(&self, block: *mut u8, refusal: Refusal) {
        if let Some(found) = self.maker(block, refusal, Call::Free) {
            // SAFETY: the block was recognised as another allocator's; as C has it, it is in use, and its owner frees it.
            unsafe { foreign::free(block as usize, found) };
        }
    }

    /// Returns the allocator of a block that the heap refuses. `None` if it is nobody's block, which is reported for `call`.
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

    /// Does what C23's `free_sized` does. The size is not used: the page map must be read anyway to see whose the block is, and
    /// it gives the size.
    ///
    /// # Safety
    /// The same as for C's function: `size` is that of the request.
    #[inline(always)]
    pub unsafe fn free_sized(&self, block: *mut u8, _size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { self.free(block) };
    }

    /// Does what C23's `free_aligned_sized` does. Alignment and size are not used, as in [`HeapRedirect::free_sized`].
    ///
    /// # Safety
    /// The same as for C's function: alignment and size are those of the request.
    #[inline(always)]
    pub unsafe fn free_aligned_sized(&self, block: *mut u8, _align: usize, _size: usize) {
        // SAFETY: the block is null or in use, and the caller's, as C has it.
        unsafe { self.free(block) };
    }

    /// Does what C's `calloc` does.
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

    /// Does what C's `realloc` does, with the system's choice for size 0. glibc: the block is freed, null is returned, and
    /// errno is unchanged. macOS: a new block of the smallest size.
    ///
    /// # Safety
    /// The same as for C's function. A pointer that is not a block of any known allocator is reported.
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

    /// Resizes a block of another allocator, or reports a mistake. If that allocator cannot resize it, the contents move to a
    /// block of the heap.
    #[cold]
    #[inline(never)]
    unsafe fn realloc_refused(&self, block: *mut u8, size: usize, refusal: Refusal) -> *mut u8 {
        let Some(found) = self.maker(block, refusal, Call::Realloc) else { return fail(libc::EINVAL) };
        // SAFETY: the block was recognised as another allocator's; as C has it, it is in use, and its owner uses only the
        // result.
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

    /// Returns a new block of the heap with the contents of another allocator's block of `old` bytes.
    ///
    /// # Safety
    /// The other block is in use and belongs to the caller.
    unsafe fn move_in(&self, block: *mut u8, old: usize, size: usize) -> *mut u8 {
        let new = self.malloc(size);
        if !new.is_null() {
            // SAFETY: both blocks are live and disjoint, and the copy fits in both.
            unsafe { new.copy_from_nonoverlapping(block, old.min(size)) };
        }
        new
    }

    /// Does what POSIX's `reallocarray` does.
    ///
    /// # Safety
    /// The same as for [`HeapRedirect::realloc`].
    pub unsafe fn reallocarray(&self, block: *mut u8, count: usize, size: usize) -> *mut u8 {
        match count.checked_mul(size) {
            // SAFETY: the block is null or in use, and the caller's, as C has it.
            Some(total) => unsafe { self.realloc(block, total) },
            None => fail(libc::ENOMEM),
        }
    }

    /// Returns a block aligned to `align`, a power of two, or null. Leaves errno alone.
    pub(crate) fn try_aligned(&self, align: usize, size: usize) -> *mut u8 {
        if align <= MIN_ALIGN {
            let block = self.heap.cached_malloc(size);
            return if block.is_null() { self.try_malloc(size) } else { block };
        }
        // There must be room for the alignment as well, so that no sum in a heap overflows.
        if align > MAX_SIZE / 2 || size > MAX_SIZE - align {
            return null_mut();
        }
        match self.heap() {
            Some(heap) => heap.memalign(align, size),
            None => BOOTSTRAP.allocate(size, align),
        }
    }

    /// Does what glibc's `memalign` does: rounds an alignment up to a power of two.
    pub fn memalign(&self, align: usize, size: usize) -> *mut u8 {
        match align.checked_next_power_of_two() {
            Some(align) => or_no_memory(self.try_aligned(align, size)),
            None => fail(libc::EINVAL),
        }
    }

    /// Does what C's `aligned_alloc` does: the alignment must be a power of two, the size need not be a multiple of it.
    pub fn aligned_alloc(&self, align: usize, size: usize) -> *mut u8 {
        if !align.is_power_of_two() {
            return fail(libc::EINVAL);
        }
        or_no_memory(self.try_aligned(align, size))
    }

    /// Does what POSIX's `posix_memalign` does: returns an error code, and leaves `*result` alone on failure. Without memory it
    /// sets errno too, as glibc does and programs expect; a bad alignment leaves errno alone.
    ///
    /// # Safety
    /// `result` may be written.
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

    /// Returns a string of the first `length` bytes of `text`, as `strdup` does; null if there is no memory.
    ///
    /// # Safety
    /// `text` has at least `length` bytes.
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

    /// Does what the old `valloc` does: returns a block aligned to a page.
    pub fn valloc(&self, size: usize) -> *mut u8 {
        or_no_memory(self.try_aligned(pages::page_size(), size))
    }

    /// Does what the old `pvalloc` does: returns whole pages, at least one.
    pub fn pvalloc(&self, size: usize) -> *mut u8 {
        match size.max(1).checked_next_multiple_of(pages::page_size()) {
            Some(size) => self.valloc(size),
            None => fail(libc::ENOMEM),
        }
    }

    /// Does what glibc's `malloc_usable_size` does: returns how many bytes of the block may be written, a number that does not
    /// change while the block lives. 0 for a block of another allocator that does not say.
    ///
    /// # Safety
    /// The same as for [`HeapRedirect::free`].
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
