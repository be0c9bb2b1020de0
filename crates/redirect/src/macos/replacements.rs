//! The functions that replace libSystem's, and the table by which dyld replaces them.

use super::zone_layout::Zone;
use super::{Target, libmalloc};
use core::ffi::{c_char, c_void};

/// An entry of the section `__interpose`. In every image but ours, dyld binds `replacement` where `replacee` was imported.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tuple {
    /// A function of this library.
    pub replacement: *const c_void,
    /// An imported function.
    pub replacee: *const c_void,
}

// SAFETY: two addresses of code, which nobody writes.
unsafe impl Sync for Tuple {}

/// The number of functions that are replaced.
pub const TUPLES: usize = 14;

/// Returns the table for the redirection of `T`. Functions that are not in it work too, through the zone.
#[allow(clippy::disallowed_methods, reason = "their addresses are what dyld is to replace")]
pub const fn tuples<T: Target>() -> [Tuple; TUPLES] {
    macro_rules! table {
        ($($replacement:ident for $library:ident::$replacee:ident;)*) => {
            [$(Tuple {
                replacement: $replacement::<T> as *const c_void,
                replacee: $library::$replacee as *const c_void,
            },)*]
        };
    }
    table! {
        malloc for libc::malloc;
        free for libc::free;
        calloc for libc::calloc;
        realloc for libc::realloc;
        reallocf for libmalloc::reallocf;
        valloc for libmalloc::valloc;
        vfree for libmalloc::vfree;
        aligned_alloc for libmalloc::aligned_alloc;
        posix_memalign for libc::posix_memalign;
        malloc_size for libc::malloc_size;
        malloc_good_size for libmalloc::malloc_good_size;
        malloc_default_zone for libmalloc::malloc_default_zone;
        strdup for libmalloc::strdup;
        strndup for libmalloc::strndup;
    }
}

crate::__c_functions! { __generic (Target) }

/// As in BSD, frees the block if there is no memory.
unsafe extern "C" fn reallocf<T: Target>(block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: as C has it, the block is null or in use, and the program's; a failed `realloc` has left the block alone.
    unsafe {
        let moved = T::redirect().realloc(block, size);
        if moved.is_null() {
            T::redirect().free(block);
        }
        moved
    }
}

unsafe extern "C" fn vfree<T: Target>(block: *mut u8) {
    // SAFETY: as C has it, the block is null or in use, and the program's.
    unsafe { T::redirect().free(block) }
}

/// Returns 0 for what no zone owns: Objective-C's runtime passes any object.
unsafe extern "C" fn malloc_size<T: Target>(block: *const c_void) -> usize {
    match T::redirect().owned_size(block.cast_mut().cast()) {
        // SAFETY: libmalloc takes any value.
        0 => unsafe { libc::malloc_size(block) },
        size => size,
    }
}

extern "C" fn malloc_good_size<T: Target>(size: usize) -> usize {
    T::redirect().good_size(size)
}

extern "C" fn malloc_default_zone<T: Target>() -> *mut Zone {
    if T::redirect().has_own_blocks() {
        T::zone()
    } else {
        // SAFETY: libmalloc's; no arguments.
        unsafe { libmalloc::malloc_default_zone() }
    }
}

unsafe extern "C" fn strdup<T: Target>(text: *const c_char) -> *mut u8 {
    // SAFETY: the program passes a string that ends.
    unsafe { T::redirect().copy_string(text, libc::strlen(text)) }
}

unsafe extern "C" fn strndup<T: Target>(text: *const c_char, most: usize) -> *mut u8 {
    // SAFETY: the program passes a string that ends, or has `most` bytes.
    unsafe { T::redirect().copy_string(text, libc::strnlen(text, most)) }
}
