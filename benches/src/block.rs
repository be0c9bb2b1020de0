//! Blocks of the allocator under test, by its C functions.

use std::hint::black_box;
use std::ptr::NonNull;

/// A block from `malloc`, freed when dropped. One pointer wide, so that an array of them is as small as C's.
pub struct Block(NonNull<u8>);

// SAFETY: a block belongs to whoever holds it; malloc and free may be called from any thread.
unsafe impl Send for Block {}

impl Block {
    /// A block of `size` bytes, not touched.
    #[inline]
    pub fn untouched(size: usize) -> Self {
        // SAFETY: malloc takes any size. The black box keeps the compiler from proving a pair of calls useless.
        Self::from(black_box(unsafe { libc::malloc(size) }), size)
    }

    /// A block whose first and last bytes were written, as any program writes to what it allocates. `size` is at least 1.
    #[inline]
    pub fn new(size: usize) -> Self {
        let block = Self::untouched(size);
        // SAFETY: both bytes are in the block.
        unsafe {
            block.0.write_volatile(1);
            block.0.add(size - 1).write_volatile(1);
        }
        block
    }

    /// A block of `size` bytes of zeros, not touched.
    #[inline]
    pub fn zeroed(size: usize) -> Self {
        // SAFETY: as `untouched`.
        Self::from(black_box(unsafe { libc::calloc(1, size) }), size)
    }

    /// A block with every byte written.
    #[inline]
    pub fn filled(size: usize, value: u8) -> Self {
        let block = Self::untouched(size);
        // SAFETY: the block has that many bytes.
        unsafe { block.0.write_bytes(value, size) };
        block
    }

    /// Returns whether the first `size` bytes are all `value`.
    ///
    /// # Safety
    /// The block has as many bytes, and they were written.
    pub unsafe fn is_filled(&self, size: usize, value: u8) -> bool {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr(), size) }.iter().all(|&byte| byte == value)
    }

    /// Makes it `size` bytes long, moving it if need be.
    #[inline]
    pub fn resize(&mut self, size: usize) {
        // SAFETY: a live block, which the result replaces without being dropped.
        unsafe {
            let moved = Self::from(black_box(libc::realloc(self.0.as_ptr().cast(), size)), size);
            std::mem::forget(std::mem::replace(self, moved));
        }
    }

    /// Writes one byte of each page from `from` to `to`.
    ///
    /// # Safety
    /// The block has at least `to` bytes.
    pub unsafe fn touch_pages(&mut self, from: usize, to: usize) {
        for offset in (from..to).step_by(4096) {
            // SAFETY: in the block, by the caller's promise.
            unsafe { self.0.add(offset).write_volatile(1) };
        }
    }

    /// The address. The caller frees it, or makes a block of it again.
    pub fn into_raw(self) -> *mut u8 {
        let start = self.0.as_ptr();
        std::mem::forget(self);
        start
    }

    /// A block whose address came from [`Block::into_raw`].
    ///
    /// # Safety
    /// Nobody else has it.
    pub unsafe fn from_raw(start: *mut u8) -> Self {
        // SAFETY: it came from a block, so it is not null.
        Self(unsafe { NonNull::new_unchecked(start) })
    }

    fn from(start: *mut libc::c_void, size: usize) -> Self {
        match NonNull::new(start.cast()) {
            Some(start) => Self(start),
            None => panic!("no memory for {size} bytes"),
        }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the block is ours, and gone after this.
        unsafe { libc::free(self.0.as_ptr().cast()) };
    }
}
