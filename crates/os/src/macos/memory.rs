//! Pages: what [`crate::pages`] asks of the kernel. The contracts are there.

use crate::errno;
use core::ffi::c_void;

/// Whether [`remap`] and [`remap_to`] work on this system. They do not: macOS has no `mremap`.
pub const CAN_REMAP: bool = false;

/// The tag under which `vmmap` shows our mappings (VM_MEMORY_APPLICATION_SPECIFIC_1), in the place of a file descriptor.
const TAG: i32 = 240 << 24;

pub fn page_size() -> usize {
    // SAFETY: libSystem's; reads the common page.
    unsafe { super::libsystem::getpagesize() as usize }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place for them on macOS")]
unsafe fn mmap(address: usize, size: usize, protection: i32, flags: i32) -> Option<usize> {
    let flags = flags | libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    // SAFETY: the caller answers for MAP_FIXED; otherwise only unused addresses are taken.
    let start = errno::kept(|| unsafe { libc::mmap(address as *mut c_void, size, protection, flags, TAG, 0) });
    (start != libc::MAP_FAILED).then_some(start as usize)
}

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

pub fn map(size: usize) -> Option<usize> {
    map_near(0, size)
}

pub fn reserve(size: usize) -> Option<usize> {
    reserve_near(0, size)
}

/// Maps like [`map`], at `address` if nothing is there. The caller must compare the address.
pub fn map_near(address: usize, size: usize) -> Option<usize> {
    // SAFETY: without MAP_FIXED the address is a wish.
    unsafe { mmap(address, size, READ_WRITE, 0) }
}

/// Reserves like [`reserve`], at `address` if nothing is there. The caller must compare the address.
pub fn reserve_near(address: usize, size: usize) -> Option<usize> {
    // SAFETY: without MAP_FIXED the address is a wish.
    unsafe { mmap(address, size, libc::PROT_NONE, 0) }
}

/// # Safety
/// As [`crate::pages::unmap`].
#[allow(clippy::disallowed_methods, reason = "this is the one place for them on macOS")]
pub unsafe fn unmap(address: usize, size: usize) -> bool {
    // SAFETY: the range is a mapping of the caller's, or a part of one, that is not used any more.
    errno::kept(|| unsafe { libc::munmap(address as *mut c_void, size) }) == 0
}

/// # Safety
/// As [`crate::pages::resize`].
pub unsafe fn resize(address: usize, old: usize, new: usize) -> bool {
    if new <= old {
        // SAFETY: the end of the range is not used.
        return new == old || unsafe { unmap(address + new, old - new) };
    }
    match map_near(address + old, new - old) {
        Some(start) if start == address + old => true,
        Some(start) => {
            // SAFETY: just mapped, seen by nobody. If the kernel keeps it, only address space is lost.
            let _ = unsafe { unmap(start, new - old) };
            false
        }
        None => false,
    }
}

/// # Safety
/// As [`crate::pages::remap`].
pub unsafe fn remap(_address: usize, _old: usize, _new: usize) -> Option<usize> {
    None
}

/// # Safety
/// As [`remap`].
pub unsafe fn remap_to(_address: usize, _old: usize, _new: usize, _target: usize) -> Option<usize> {
    None
}

/// See [`crate::pages::purge`]. Maps fresh pages over the old ones: after MADV_FREE and its like, the old contents can be read
/// until the kernel is short of memory.
///
/// # Safety
/// As [`crate::pages::purge`].
pub unsafe fn purge(address: usize, size: usize) -> bool {
    // SAFETY: the range is the caller's, and nothing in it is needed.
    unsafe { renew(address, size) }
}

/// Returns true, because there is no cheap way to know. Both purging and clearing map fresh pages here, whatever this returns.
///
/// # Safety
/// As [`crate::pages::is_one_mapping`].
pub unsafe fn is_one_mapping(_address: usize, _size: usize) -> bool {
    true
}

/// Returns false: only the code for huge pages asks, and there are none here.
pub fn is_readable(_address: usize) -> bool {
    false
}

/// # Safety
/// As [`crate::pages::renew`].
pub unsafe fn renew(address: usize, size: usize) -> bool {
    // SAFETY: the range is the caller's, and nothing in it is needed.
    unsafe { mmap(address, size, READ_WRITE, libc::MAP_FIXED) }.is_some()
}

/// Does nothing: macOS chooses pages of 2 MiB when they are mapped, or never.
pub fn advise_huge(_address: usize, _size: usize, _wanted: bool) {}

/// Returns false: macOS has no call for it.
pub fn populate(_address: usize, _size: usize) -> bool {
    false
}

pub fn lock(address: usize, size: usize, wanted: bool) -> bool {
    let (start, call) = (address as *const c_void, if wanted { libc::mlock } else { libc::munlock });
    // SAFETY: contents stay as they are.
    errno::kept(|| unsafe { call(start, size) }) == 0
}
