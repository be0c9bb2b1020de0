//! Blocks of libmalloc's other zones: how to tell, how large they are, how to give them back.
//!
//! There are always some: from before this library was there, from zones that frameworks made for themselves.

use super::libsystem::{free as free_in_zone, malloc_zone_from_ptr, realloc as realloc_in_zone};
use crate::errno;
use core::ffi::{CStr, c_void};

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
