//! Pages: what [`crate::pages`] asks of the kernel. The contracts are there.

use super::syscall::Errno;
use super::{process, syscall};

/// Whether [`remap`] and [`remap_to`] work on this system.
pub const CAN_REMAP: bool = true;

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
/// Maps at an address only if nothing is there. A kernel before Linux 4.17 ignores it, and takes the address as a hint.
const IF_UNUSED: i32 = libc::MAP_FIXED_NOREPLACE;

pub fn page_size() -> usize {
    process::auxiliary(libc::AT_PAGESZ)
}

/// See [`crate::pages::map`]. Without MAP_NORESERVE: the kernel is to refuse us what it would refuse libc's malloc, because
/// there will never be so much memory.
pub fn map(size: usize) -> Option<usize> {
    // SAFETY: without MAP_FIXED, only unused addresses are taken.
    unsafe { syscall::mmap(0, size, READ_WRITE, 0) }.ok()
}

pub fn reserve(size: usize) -> Option<usize> {
    // SAFETY: without MAP_FIXED, only unused addresses are taken.
    unsafe { syscall::mmap(0, size, libc::PROT_NONE, 0) }.ok()
}

/// Maps like [`map`], at `address` if nothing is there. The caller must compare the address.
pub fn map_near(address: usize, size: usize) -> Option<usize> {
    // SAFETY: with MAP_FIXED_NOREPLACE, only unused addresses are taken.
    unsafe { syscall::mmap(address, size, READ_WRITE, IF_UNUSED) }.ok()
}

/// Reserves like [`reserve`], at `address` if nothing is there. The caller must compare the address.
pub fn reserve_near(address: usize, size: usize) -> Option<usize> {
    // SAFETY: with MAP_FIXED_NOREPLACE, only unused addresses are taken.
    unsafe { syscall::mmap(address, size, libc::PROT_NONE, IF_UNUSED) }.ok()
}

/// # Safety
/// As [`crate::pages::unmap`].
pub unsafe fn unmap(address: usize, size: usize) -> bool {
    // SAFETY: the range is a mapping of the caller's, or a part of one, that is not used any more.
    unsafe { syscall::munmap(address, size) }.is_ok()
}

/// # Safety
/// As [`crate::pages::resize`].
pub unsafe fn resize(address: usize, old: usize, new: usize) -> bool {
    // SAFETY: without MREMAP_MAYMOVE the addresses that remain keep their contents.
    unsafe { syscall::mremap(address, old, new, 0, 0) }.is_ok()
}

/// # Safety
/// As [`crate::pages::remap`].
pub unsafe fn remap(address: usize, old: usize, new: usize) -> Option<usize> {
    // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
    unsafe { syscall::mremap(address, old, new, libc::MREMAP_MAYMOVE, 0) }.ok()
}

/// Moves like [`remap`], to `target`.
///
/// # Safety
/// As [`remap`], and nothing uses what is mapped at the target.
pub unsafe fn remap_to(address: usize, old: usize, new: usize, target: usize) -> Option<usize> {
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
    unsafe { syscall::mremap(address, old, new, flags, target) }.ok()
}

/// # Safety
/// As [`crate::pages::purge`].
pub unsafe fn purge(address: usize, size: usize) -> bool {
    // SAFETY: the range is mapped, and the caller's; its contents are not needed if the advice drops them.
    unsafe { syscall::madvise(address, size, libc::MADV_DONTNEED) }.is_ok()
}

/// See [`crate::pages::is_one_mapping`]. Asks the mapping to grow by a page where there is no room. If the range has several
/// mappings, the kernel refuses with EFAULT before it looks behind the range (all versions do). If it is one mapping, the
/// kernel says that it cannot grow, or that too much would be locked. Asking for the present size would not help: the kernel
/// grants that without checking.
///
/// # Safety
/// As [`crate::pages::is_one_mapping`].
pub unsafe fn is_one_mapping(address: usize, size: usize) -> bool {
    // SAFETY: the mapping is the caller's, and has no room to grow, so nothing changes.
    let answer = unsafe { syscall::mremap(address, size, size + page_size(), 0, 0) };
    matches!(answer, Err(Errno(libc::ENOMEM | libc::EAGAIN)))
}

pub fn is_readable(address: usize) -> bool {
    syscall::is_readable(address)
}

/// # Safety
/// As [`crate::pages::renew`].
pub unsafe fn renew(address: usize, size: usize) -> bool {
    // SAFETY: the range is the caller's, and nothing in it is needed.
    unsafe { syscall::mmap(address, size, READ_WRITE, libc::MAP_FIXED) }.is_ok()
}

pub fn advise_huge(address: usize, size: usize, wanted: bool) {
    let advice = if wanted { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
    // SAFETY: the advice changes nothing that a program can see.
    let _ = unsafe { syscall::madvise(address, size, advice) };
}

pub fn populate(address: usize, size: usize) -> bool {
    // SAFETY: contents stay as they are.
    unsafe { syscall::madvise(address, size, libc::MADV_POPULATE_WRITE) }.is_ok()
}

pub fn lock(address: usize, size: usize, wanted: bool) -> bool {
    if wanted { syscall::mlock(address, size).is_ok() } else { syscall::munlock(address, size).is_ok() }
}
