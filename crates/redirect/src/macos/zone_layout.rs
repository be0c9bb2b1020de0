//! libmalloc's `malloc_zone_t` and `malloc_introspection_t` (malloc/malloc.h), up to version 10.

use core::ffi::{c_char, c_int, c_uint, c_void};

/// `kern_return_t`: 0 for success.
pub type KernResult = c_int;
/// KERN_FAILURE (mach/kern_return.h).
pub const FAILURE: KernResult = 5;

/// The type `malloc_statistics_t`.
#[repr(C)]
pub struct Statistics {
    pub blocks_in_use: c_uint,
    pub size_in_use: usize,
    pub max_size_in_use: usize,
    pub size_allocated: usize,
}

/// The version that [`Zone`] has: the last field that libmalloc may read is `claimed_address`.
pub const VERSION: c_uint = 10;

/// The type `malloc_zone_t`.
#[repr(C)]
pub struct Zone {
    pub reserved: [*mut c_void; 2],
    pub size: unsafe extern "C" fn(*mut Zone, *const c_void) -> usize,
    pub malloc: unsafe extern "C" fn(*mut Zone, usize) -> *mut u8,
    pub calloc: unsafe extern "C" fn(*mut Zone, usize, usize) -> *mut u8,
    pub valloc: unsafe extern "C" fn(*mut Zone, usize) -> *mut u8,
    pub free: unsafe extern "C" fn(*mut Zone, *mut u8),
    pub realloc: unsafe extern "C" fn(*mut Zone, *mut u8, usize) -> *mut u8,
    pub destroy: unsafe extern "C" fn(*mut Zone),
    pub zone_name: *const c_char,
    pub batch_malloc: unsafe extern "C" fn(*mut Zone, usize, *mut *mut u8, c_uint) -> c_uint,
    pub batch_free: unsafe extern "C" fn(*mut Zone, *mut *mut u8, c_uint),
    pub introspect: *const Introspection,
    pub version: c_uint,
    pub memalign: unsafe extern "C" fn(*mut Zone, usize, usize) -> *mut u8,
    pub free_definite_size: unsafe extern "C" fn(*mut Zone, *mut u8, usize),
    pub pressure_relief: unsafe extern "C" fn(*mut Zone, usize) -> usize,
    pub claimed_address: unsafe extern "C" fn(*mut Zone, *mut c_void) -> c_int,
    /// Room for fields of later versions. libmalloc reads the version before it reads them.
    pub later: [*mut c_void; 8],
}

/// The type `malloc_introspection_t`.
#[repr(C)]
pub struct Introspection {
    /// Arguments: task, context, kinds wanted, the zone's address in the task, a reader of the task's memory, the recorder.
    pub enumerator:
        unsafe extern "C" fn(c_uint, *mut c_void, c_uint, usize, *const c_void, *const c_void) -> KernResult,
    pub good_size: unsafe extern "C" fn(*mut Zone, usize) -> usize,
    pub check: unsafe extern "C" fn(*mut Zone) -> c_int,
    pub print: unsafe extern "C" fn(*mut Zone, c_int),
    pub log: unsafe extern "C" fn(*mut Zone, *mut c_void),
    pub force_lock: unsafe extern "C" fn(*mut Zone),
    pub force_unlock: unsafe extern "C" fn(*mut Zone),
    pub statistics: unsafe extern "C" fn(*mut Zone, *mut Statistics),
    pub zone_locked: unsafe extern "C" fn(*mut Zone) -> c_int,
    pub enable_discharge_checking: unsafe extern "C" fn(*mut Zone) -> c_int,
    pub disable_discharge_checking: unsafe extern "C" fn(*mut Zone),
    pub discharge: unsafe extern "C" fn(*mut Zone, *mut c_void),
    pub enumerate_discharged_pointers: unsafe extern "C" fn(*mut Zone, *mut c_void),
    /// Called in a forked child for every zone of version 9 or later, whether it is null or not.
    pub reinit_lock: unsafe extern "C" fn(*mut Zone),
    /// See [`Zone::later`].
    pub later: [*mut c_void; 3],
}

// The offsets that the header's own fields have on 64-bit machines.
const _: () = assert!(core::mem::offset_of!(Zone, introspect) == 96);
const _: () = assert!(core::mem::offset_of!(Zone, version) == 104);
const _: () = assert!(core::mem::offset_of!(Zone, claimed_address) == 136);
const _: () = assert!(core::mem::offset_of!(Introspection, statistics) == 56);
const _: () = assert!(core::mem::offset_of!(Introspection, reinit_lock) == 104);
