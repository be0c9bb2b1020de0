//! Pages of memory from the kernel.
//!
//! Every function that asks for memory may fail. [`fail_request`](crate::refusals::fail_request) makes any single request fail,
//! so that a test can try the failure of each request in turn.

use crate::filter;
use crate::refusals::{counted, must_fail};
use crate::system::memory;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Returns `value` rounded up to a multiple of `align`, a power of two. Wraps at the end of the address space.
#[inline]
pub const fn round_up(value: usize, align: usize) -> usize {
    value.wrapping_add(align - 1) & !(align - 1)
}

/// Returns the size of a page in bytes, as the kernel says at run time: 4, 16 or 64 KiB.
pub fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: every thread would store the same value.
    match SIZE.load(Ordering::Relaxed) {
        0 => {
            let size = memory::page_size().max(4096);
            SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// Maps `size` bytes of zeros, readable and writable, and returns their address. `None` if the kernel refuses.
pub fn map(size: usize) -> Option<usize> {
    if must_fail() {
        return None;
    }
    counted(memory::map(size))
}

/// Reserves `size` bytes of addresses and returns where they begin; [`commit`] makes memory of them. Until then RLIMIT_DATA and
/// strict overcommit do not count them, and `mlockall` does not make them resident. `None` if the kernel refuses.
pub fn reserve(size: usize) -> Option<usize> {
    if must_fail() {
        return None;
    }
    counted(memory::reserve(size))
}

/// The outcome of [`commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// The addresses are memory.
    Yes,
    /// The kernel refused; the addresses are reserved as before.
    Refused,
    /// The addresses are no longer ours: something else was mapped there meanwhile.
    Lost,
}

/// Commits reserved addresses: makes readable and writable zeros of them.
///
/// It maps them anew, because a filter of system calls may allow no change of protection. It unmaps them first: a kernel before
/// Linux 6.12 may remove the old mapping, refuse the new one, and so leave unclear whose the addresses are.
///
/// # Safety
/// The range was reserved here.
pub unsafe fn commit(address: usize, size: usize) -> Committed {
    // SAFETY: the range is only reserved: nothing is in it.
    if must_fail() || !unsafe { memory::unmap(address, size) } {
        return Committed::Refused;
    }
    if is_at(counted(memory::map_near(address, size)), address, size) {
        Committed::Yes
    } else if is_at(memory::reserve_near(address, size), address, size) {
        Committed::Refused
    } else {
        Committed::Lost
    }
}

/// Maps like [`map`], but at `address`. Returns false if the kernel refuses, or if something is mapped there.
pub fn map_at(address: usize, size: usize) -> bool {
    !must_fail() && is_at(memory::map_near(address, size), address, size)
}

/// Returns whether a new mapping is at the wanted address. If it is elsewhere, it is unmapped.
fn is_at(mapping: Option<usize>, address: usize, size: usize) -> bool {
    if let Some(start) = mapping.filter(|&start| start != address) {
        // SAFETY: just mapped, seen by nobody. If the kernel keeps it, only address space is lost.
        let _ = unsafe { unmap(start, size) };
    }
    mapping == Some(address)
}

/// A mapping that holds an aligned block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// The address of the mapping, for [`unmap`].
    pub base: usize,
    /// The size of the mapping in bytes, for [`unmap`].
    pub length: usize,
    /// The aligned address inside the mapping.
    pub start: usize,
}

/// Maps at least `size` bytes, beginning at a multiple of `align` (a power of two). What lies before and behind them stays
/// mapped: it costs only address space, while unmapping it would cost two system calls and two more mappings. `None` if the
/// kernel refuses.
pub fn map_aligned(size: usize, align: usize) -> Option<Aligned> {
    aligned(size, align, map)
}

/// Returns an aligned range of `size` bytes inside the mapping that `make` returns for a length.
fn aligned(size: usize, align: usize, make: impl FnOnce(usize) -> Option<usize>) -> Option<Aligned> {
    let slack = align.saturating_sub(page_size());
    let length = round_up(size, page_size()).checked_add(slack).filter(|&length| length >= size)?;
    let base = make(length)?;
    Some(Aligned { base, length, start: round_up(base, align) })
}

/// Unmaps `[address, address + size)`. Returns false if the kernel refuses (because a mapping would be split, and the process
/// has too many): the memory is then still mapped.
///
/// # Safety
/// The range was mapped here, and nothing uses it any more.
#[must_use]
pub unsafe fn unmap(address: usize, size: usize) -> bool {
    // SAFETY: the range is a mapping of the caller's, or a part of one, that is not used any more.
    unsafe { memory::unmap(address, size) }
}

/// Grows or shrinks a mapping without moving it. Returns false if it stays as it was.
///
/// # Safety
/// `[address, address + old)` was mapped here; when it shrinks, nothing uses the part that is cut off.
#[must_use]
pub unsafe fn resize(address: usize, old: usize, new: usize) -> bool {
    if new > old && must_fail() {
        return false;
    }
    // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
    unsafe { memory::resize(address, old, new) }
}

/// Moves a mapping, with its contents but without copying them, to an address that is a multiple of `align` and has room for
/// `new` bytes. Returns that address, or `None` if the mapping stays where it is. macOS has no such call, so it always stays
/// there.
///
/// # Safety
/// `[address, address + old)` was mapped here, and nothing uses it but through this call's result.
pub unsafe fn remap(address: usize, old: usize, new: usize, align: usize) -> Option<usize> {
    if !memory::CAN_REMAP {
        return None;
    }
    if align <= page_size() {
        if must_fail() {
            return None;
        }
        // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
        return counted(unsafe { memory::remap(address, old, new) });
    }
    let place = aligned(new, align, reserve)?;
    // SAFETY: the target is a part of the mapping just made, which nobody has seen.
    let moved = unsafe { memory::remap_to(address, old, new, place.start) };
    let end = round_up(place.start + new, page_size());
    // The target itself is not unmapped if the call failed: the kernel may have unmapped it already, and another thread may
    // have mapped something there since. At worst, address space is lost.
    for (from, to) in [(place.base, place.start), (end, place.base + place.length)] {
        if from < to {
            // SAFETY: what is left of that mapping. If the kernel keeps it, only address space is lost.
            let _ = unsafe { unmap(from, to - from) };
        }
    }
    moved
}

/// Purges the pages of a range: they read as zeros afterwards, and are not resident until they are touched. Returns false if
/// the kernel kept them, with their contents.
///
/// # Safety
/// The range was mapped here, is made of whole pages, and nobody needs its contents.
#[must_use]
pub unsafe fn purge(address: usize, size: usize) -> bool {
    // SAFETY: the range is mapped, and the caller's; its contents are not needed if the advice drops them.
    unsafe { if filter::is_expected() { replace(address, size) } else { memory::purge(address, size) } }
}

/// Moves fresh pages over the pages of a range. Returns false if the kernel refuses; the pages are then as they were.
///
/// # Safety
/// As [`purge`].
unsafe fn replace(address: usize, size: usize) -> bool {
    let Some(fresh) = map(size) else { return false };
    // SAFETY: the fresh mapping is known to nobody else, and nothing in the range at `address` is needed.
    let moved = unsafe { memory::remap_to(fresh, size, size, address) }.is_some();
    if !moved {
        // SAFETY: as above. If the kernel keeps it, only address space is lost.
        let _ = unsafe { unmap(fresh, size) };
    }
    moved
}

/// Returns whether a range is one mapping from end to end, which means that all its pages have the same protection, sharing and
/// advice. False if somebody has changed a part of it since it was mapped. Always true on macOS, which cannot tell.
///
/// # Safety
/// The range is made of whole pages and was mapped here, and the memory that was mapped here continues behind it for at least
/// one page.
pub unsafe fn is_one_mapping(address: usize, size: usize) -> bool {
    // SAFETY: the range is mapped, and the caller's; it does not grow.
    unsafe { memory::is_one_mapping(address, size) }
}

/// Returns whether the word at `address`, a multiple of its size, can be read. Always false on macOS, which cannot tell
/// cheaply.
pub fn is_readable(address: usize) -> bool {
    memory::is_readable(address)
}

/// Maps fresh zeros over a range, whatever is mapped there. Returns false if the kernel refuses; then nothing may be mapped
/// there any more.
///
/// # Safety
/// The range was mapped or committed here, is made of whole pages, and nobody needs its contents.
#[must_use]
pub unsafe fn renew(address: usize, size: usize) -> bool {
    // SAFETY: the range is the caller's, and nothing in it is needed.
    !must_fail() && unsafe { memory::renew(address, size) }
}

/// Asks the kernel to use huge pages for a range where it can, or not to if `wanted` is false. A kernel without huge pages
/// ignores it. Does nothing if a filter is expected.
pub fn advise_huge(address: usize, size: usize, wanted: bool) {
    if !filter::is_expected() {
        memory::advise_huge(address, size, wanted);
    }
}

/// Touches all pages of a range in one call, which costs less than one by one. Returns false if the kernel cannot.
pub fn populate(address: usize, size: usize) -> bool {
    memory::populate(address, size)
}

/// Keeps the pages of a range resident, or (`wanted` false) no longer. False if the kernel refuses: a process may lock only so much
/// (RLIMIT_MEMLOCK).
pub fn lock(address: usize, size: usize, wanted: bool) -> bool {
    memory::lock(address, size, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_aligns_purges_and_unmaps() {
        let align = 1 << 22;
        let block = map_aligned(100_000, align).unwrap();
        assert_eq!(block.start % align, 0);
        assert!(block.start + 100_000 <= block.base + block.length);
        // SAFETY: the mapping is ours and readable; it is unmapped last.
        unsafe {
            let first = block.start as *mut u8;
            assert_eq!(*first, 0);
            *first = 7;
            assert!(purge(block.start, page_size()));
            assert_eq!(*first, 0);
            assert!(!map_at(block.base, page_size()), "taken");
            assert!(unmap(block.base, block.length));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri cannot tell mappings apart, nor lock pages")]
    fn tells_one_mapping_from_several() {
        let page = page_size();
        let start = map(8 * page).unwrap();
        let locked = (start + 2 * page) as *mut u8;
        // SAFETY: the mapping is ours, and ends a page behind the range.
        let is_one = || unsafe { is_one_mapping(start, 7 * page) };
        assert!(is_one());
        // SAFETY: nobody uses the mapping; it is unmapped last.
        unsafe {
            *locked = 1;
            assert!(lock(locked.addr(), page, true));
            assert_eq!(is_one(), !memory::CAN_REMAP, "one page is locked");
            assert!(lock(locked.addr(), page, false));
            assert!(is_one());
            assert!(lock(locked.addr(), page, true));
            assert!(renew(start, 4 * page));
            assert!(is_one());
            assert_eq!(*locked, 0);
            assert!(unmap(start, 8 * page));
        }
    }

    #[test]
    fn commits_a_part_of_what_is_reserved() {
        let (page, size) = (page_size(), 1 << 20);
        let start = reserve(size).unwrap();
        // SAFETY: reserved above, and committed before it is touched.
        unsafe {
            assert_eq!(commit(start, page), Committed::Yes);
            assert_eq!(commit(start + page, page), Committed::Yes);
            let last = (start + 2 * page - 1) as *mut u8;
            assert_eq!(*last, 0);
            *last = 1;
            assert!(unmap(start, size));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn puts_zeros_in_the_place_of_pages() {
        let (page, size) = (page_size(), 1 << 20);
        let start = map(size).unwrap();
        let words = [0, page, 2 * page, 3 * page].map(|offset| (start + offset) as *mut u8);
        // SAFETY: mapped above.
        unsafe {
            words.iter().for_each(|&word| *word = 1);
            assert!(replace(start + page, 2 * page));
            assert_eq!(words.map(|word| *word), [1, 0, 0, 1]);
            *words[1] = 2;
            assert!(unmap(start, size));
        }
    }

    #[test]
    fn refuses_sizes_that_wrap() {
        assert_eq!(map_aligned(usize::MAX - 100, 4096), None);
        assert_eq!(map_aligned(isize::MAX as usize, 1 << 62), None);
    }

    #[test]
    fn rounds_up() {
        assert_eq!((round_up(0, 16), round_up(1, 16), round_up(16, 16), round_up(17, 16)), (0, 16, 16, 32));
    }
}
