//! Blocks of libmalloc's other zones: how to tell, how large they are, how to give them back.
//!
//! There are always some: from before this library was there, from zones that frameworks made for themselves.

use core::ffi::{CStr, c_void};
use xalloc_os::errno;

// libSystem's own, which the `libc` crate has too, but for others: what we replace in other images stays libSystem's in ours.
#[link(name = "System")]
unsafe extern "C" {
    /// The registered zone that owns a block, or null: any value may be asked about.
    fn malloc_zone_from_ptr(pointer: *const c_void) -> *mut c_void;
    /// Looks for the zone that owns the block.
    #[link_name = "free"]
    fn free_in_zone(block: *mut c_void);
    /// The same.
    #[link_name = "realloc"]
    fn realloc_in_zone(block: *mut c_void, size: usize) -> *mut c_void;
}

/// A block of another zone: how many bytes of it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign(usize);

impl Foreign {
    /// False: a zone knows its blocks.
    pub fn is_guess(&self) -> bool {
        false
    }
}

/// Recognises a block of any zone but ours, whose `size` answers 0 for what is not its own. Any value may be asked about.
pub fn recognise(pointer: usize) -> Option<Foreign> {
    let block = pointer as *const c_void;
    // SAFETY: both only compare the value with what the zones know.
    unsafe { (!malloc_zone_from_ptr(block).is_null()).then(|| Foreign(libc::malloc_size(block))) }
}

/// `None`: an allocator that has no zone is not asked.
pub fn next_library() -> Option<&'static CStr> {
    None
}

/// How many bytes of a block may be used.
///
/// # Safety
/// None is needed: the zone has said so already.
pub unsafe fn usable_size(_pointer: usize, block: Foreign) -> Option<usize> {
    Some(block.0)
}

/// Gives a block back to its zone.
///
/// # Safety
/// `pointer` was just recognised as `block`, and its owner frees it.
pub unsafe fn free(pointer: usize, _block: Foreign) {
    // SAFETY: the block is one of that allocator's, in use, and the caller's.
    errno::kept(|| unsafe { free_in_zone(pointer as *mut c_void) });
}

/// Has a block's zone resize it: what is in a zone stays there, because destroying the zone frees it. Null, with errno, if
/// there is no memory: then the block is as it was.
///
/// # Safety
/// As [`free`], and nothing uses the block but through the result.
pub unsafe fn resize(pointer: usize, _block: Foreign, size: usize) -> Option<*mut u8> {
    // SAFETY: the block is one of that allocator's, in use, and the caller's.
    Some(unsafe { realloc_in_zone(pointer as *mut c_void, size) }.cast())
}
