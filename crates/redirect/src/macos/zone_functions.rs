//! The functions of a zone that libmalloc calls. They may get a pointer that is not ours: the zone stands for the default zone,
//! which was another one before this library was loaded.

use super::Target;
use super::zone_layout::{FAILURE, Introspection, KernResult, Statistics, Zone};
use core::ffi::{c_int, c_uint, c_void};

pub unsafe extern "C" fn size<T: Target>(_zone: *mut Zone, block: *const c_void) -> usize {
    T::redirect().owned_size(block.cast_mut().cast())
}

pub unsafe extern "C" fn malloc<T: Target>(_zone: *mut Zone, size: usize) -> *mut u8 {
    T::redirect().malloc(size)
}

pub unsafe extern "C" fn calloc<T: Target>(_zone: *mut Zone, count: usize, size: usize) -> *mut u8 {
    T::redirect().calloc(count, size)
}

pub unsafe extern "C" fn valloc<T: Target>(_zone: *mut Zone, size: usize) -> *mut u8 {
    T::redirect().valloc(size)
}

pub unsafe extern "C" fn free<T: Target>(_zone: *mut Zone, block: *mut u8) {
    // SAFETY: the zone is ours, and its user passes blocks of it that are in use.
    unsafe { T::redirect().free(block) }
}

pub unsafe extern "C" fn realloc<T: Target>(_zone: *mut Zone, block: *mut u8, size: usize) -> *mut u8 {
    // SAFETY: the zone's user passes blocks of it that are in use.
    unsafe { T::redirect().realloc(block, size) }
}

/// Does nothing: the default zone cannot be destroyed.
pub unsafe extern "C" fn destroy(_zone: *mut Zone) {}

pub unsafe extern "C" fn batch_malloc<T: Target>(
    _zone: *mut Zone,
    size: usize,
    results: *mut *mut u8,
    count: c_uint,
) -> c_uint {
    for index in 0..count {
        let block = T::redirect().malloc(size);
        if block.is_null() {
            return index;
        }
        // SAFETY: the zone's user passes room for `count` pointers.
        unsafe { results.add(index as usize).write(block) };
    }
    count
}

pub unsafe extern "C" fn batch_free<T: Target>(_zone: *mut Zone, blocks: *mut *mut u8, count: c_uint) {
    for index in 0..count as usize {
        // SAFETY: the zone's user passes `count` pointers, each a block or null.
        unsafe { T::redirect().free(blocks.add(index).read()) };
    }
}

pub unsafe extern "C" fn memalign<T: Target>(_zone: *mut Zone, align: usize, size: usize) -> *mut u8 {
    T::redirect().memalign(align, size)
}

pub unsafe extern "C" fn free_definite_size<T: Target>(_zone: *mut Zone, block: *mut u8, size: usize) {
    // SAFETY: the zone's user passes blocks of it that are in use.
    unsafe { T::redirect().free_sized(block, size) }
}

/// Purges all free memory, whatever the goal, because the system is short of memory.
pub unsafe extern "C" fn pressure_relief<T: Target>(_zone: *mut Zone, _goal: usize) -> usize {
    let before = T::redirect().stats().dirty;
    T::redirect().malloc_trim(0);
    before.saturating_sub(T::redirect().stats().dirty)
}

pub unsafe extern "C" fn claimed_address<T: Target>(_zone: *mut Zone, address: *mut c_void) -> c_int {
    c_int::from(T::redirect().owns(address.cast()))
}

pub const fn introspection<T: Target>() -> Introspection {
    Introspection {
        enumerator: enumerate,
        good_size: good_size::<T>,
        check,
        print: print::<T>,
        log,
        force_lock: force_lock::<T>,
        force_unlock: force_unlock::<T>,
        statistics: statistics::<T>,
        zone_locked: no,
        enable_discharge_checking: no,
        disable_discharge_checking: nothing,
        discharge: log,
        enumerate_discharged_pointers: log,
        reinit_lock: reinit_lock::<T>,
        later: [core::ptr::null_mut(); 3],
    }
}

/// Fails: the heap keeps no list of the blocks in use.
unsafe extern "C" fn enumerate(
    _task: c_uint,
    _context: *mut c_void,
    _kinds: c_uint,
    _zone: usize,
    _reader: *const c_void,
    _recorder: *const c_void,
) -> KernResult {
    FAILURE
}

unsafe extern "C" fn good_size<T: Target>(_zone: *mut Zone, size: usize) -> usize {
    T::redirect().good_size(size)
}

/// Returns that the heap is consistent: an inconsistency ends the process when it is noticed.
unsafe extern "C" fn check(_zone: *mut Zone) -> c_int {
    1
}

unsafe extern "C" fn print<T: Target>(_zone: *mut Zone, _verbose: c_int) {
    T::redirect().malloc_stats();
}

unsafe extern "C" fn log(_zone: *mut Zone, _address: *mut c_void) {}

unsafe extern "C" fn nothing(_zone: *mut Zone) {}

/// Locks the heap before a fork. libmalloc holds its own lock.
unsafe extern "C" fn force_lock<T: Target>(_zone: *mut Zone) {
    T::redirect().prefork();
}

/// Unlocks the heap after a fork, in the parent.
unsafe extern "C" fn force_unlock<T: Target>(_zone: *mut Zone) {
    T::redirect().postfork_parent();
}

/// Unlocks the heap after a fork, in the child.
unsafe extern "C" fn reinit_lock<T: Target>(_zone: *mut Zone) {
    T::redirect().postfork_child();
}

unsafe extern "C" fn no(_zone: *mut Zone) -> c_int {
    0
}

unsafe extern "C" fn statistics<T: Target>(_zone: *mut Zone, result: *mut Statistics) {
    let stats = T::redirect().stats();
    // The heap does not count its blocks, nor its greatest size.
    let counted = Statistics {
        blocks_in_use: 0,
        size_in_use: stats.allocated,
        max_size_in_use: stats.allocated,
        size_allocated: stats.active + stats.dirty,
    };
    // SAFETY: the zone's user passes room for it.
    unsafe { result.write(counted) };
}
