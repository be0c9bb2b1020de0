//! macOS: how libxalloc takes the place of malloc there, in two ways at once:
//!
//! - dyld replaces the functions of [`tuples`] in every image but ours;
//! - a zone ([`OwnZone`]) is registered with libmalloc, so that its own functions, which nobody replaces (`malloc_zone_free`,
//!   `reallocarray`, a `free` from inside libmalloc), know our blocks.
//!
//! Only the untyped functions are replaced. As long as none of the typed functions is replaced (`malloc_type_malloc` and its
//! like, which compilers emit), libmalloc forwards them to the replacements of the untyped ones. C++'s operators are libc++'s,
//! and call the replaced malloc. libmalloc's fork functions stay, because its zones are used beside ours; they lock our zone
//! too, see [`construct`].

pub mod dlsym;
pub mod foreign;
pub mod module;
mod own_zone;
mod questions;
mod replacements;
pub mod stdio;
mod target;
mod zone_functions;
mod zone_layout;

pub use own_zone::{OwnZone, construct};
pub use replacements::{TUPLES, Tuple, tuples};
pub use target::Target;
pub use zone_layout::Zone;

/// Whether `realloc(block, 0)` frees the block and returns null. On macOS it returns a new block of the smallest size.
pub const REALLOC_TO_ZERO_FREES: bool = false;

/// The functions of libmalloc that are called here and that the `libc` crate does not declare.
mod libmalloc {
    use super::Zone;
    use core::ffi::{c_char, c_void};

    unsafe extern "C" {
        pub fn malloc_default_zone() -> *mut Zone;
        pub fn malloc_zone_register(zone: *mut Zone);
        pub fn malloc_good_size(size: usize) -> usize;
        pub fn reallocf(block: *mut c_void, size: usize) -> *mut c_void;
        pub fn valloc(size: usize) -> *mut c_void;
        pub fn vfree(block: *mut c_void);
        pub fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
        pub fn strdup(text: *const c_char) -> *mut c_char;
        pub fn strndup(text: *const c_char, most: usize) -> *mut c_char;
    }
}
