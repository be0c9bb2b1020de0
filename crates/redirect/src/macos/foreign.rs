//! Blocks of libmalloc's other zones: how to recognise, measure, resize and free them.
//!
//! There are always some: from before this library was loaded, and from zones that frameworks make for themselves.

use core::ffi::{CStr, c_void};
use xalloc_os::errno;

// These functions are in the `libc` crate too, but that declares them for other images: a function that we replace there stays
// libSystem's in ours.
#[link(name = "System")]
unsafe extern "C" {
    /// Returns the registered zone that owns a block, or null. Takes any value.
    fn malloc_zone_from_ptr(pointer: *const c_void) -> *mut c_void;
    /// Frees a block in the zone that owns it.
    #[link_name = "free"]
    fn free_in_zone(block: *mut c_void);
    /// Resizes a block in the zone that owns it.
    #[link_name = "realloc"]
    fn realloc_in_zone(block: *mut c_void, size: usize) -> *mut c_void;
}

/// A block of another zone, with its usable size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign(usize);

impl Foreign {
    /// Returns false: a zone knows its blocks.
    pub fn is_guess(&self) -> bool {
        false
    }
}

/// Returns the block of another zone that `pointer` is; `None` if it is none. Takes any value. Our own zone's `size` returns 0
/// for a block that is not ours.
pub fn recognise(pointer: usize) -> Option<Foreign> {
    let block = pointer as *const c_void;
    // SAFETY: both only compare the value with what the zones know.
    unsafe { (!malloc_zone_from_ptr(block).is_null()).then(|| Foreign(libc::malloc_size(block))) }
}

/// Returns `None`: an allocator without a zone is not asked.
pub fn next_library() -> Option<&'static CStr> {
    None
}

/// Returns the usable size of a block.
///
/// # Safety
/// None is needed: the zone has said the size already.
pub unsafe fn usable_size(_pointer: usize, block: Foreign) -> Option<usize> {
    Some(block.0)
}

/// Frees a block in its zone.
///
/// # Safety
/// `pointer` was just recognised as `block`, and its owner frees it.
pub unsafe fn free(pointer: usize, _block: Foreign) {
    // SAFETY: the block is one of that allocator's, in use, and the caller's.
    errno::kept(|| unsafe { free_in_zone(pointer as *mut c_void) });
}

/// Resizes a block in its zone, where it stays, because the zone frees its blocks when it is destroyed. Returns its address;
/// null, with errno set, if there is no memory: the block is then as it was.
///
/// # Safety
/// The same as for [`free`], and nothing uses the block but through the result.
pub unsafe fn resize(pointer: usize, _block: Foreign, size: usize) -> Option<*mut u8> {
    // SAFETY: the block is one of that allocator's, in use, and the caller's.
    Some(unsafe { realloc_in_zone(pointer as *mut c_void, size) }.cast())
}
