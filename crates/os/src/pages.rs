//! Memory from the kernel, in pages.
//!
//! Every function that asks for memory may fail, and [`fail_request`](crate::refusals::fail_request) makes any one of them fail, so that
//! the paths behind a failure are tested by counting through them.

use crate::filter;
use crate::refusals::{counted, must_fail};
use crate::system::memory;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Rounds `value` up to a multiple of `align`, a power of two. Wraps at the end of the address space.
#[inline]
pub const fn round_up(value: usize, align: usize) -> usize {
    value.wrapping_add(align - 1) & !(align - 1)
}

/// The size of a page, read from the kernel at run time: 4, 16 or 64 KiB.
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

/// Maps `size` bytes of zeros, readable and writable. `None` if the kernel refuses.
pub fn map(size: usize) -> Option<usize> {
    if must_fail() {
        return None;
    }
    counted(memory::map(size))
}

/// Reserves `size` bytes of addresses, for [`open`] to make memory of: only then do RLIMIT_DATA and strict overcommit count
/// them, and `mlockall` makes them resident. `None` if the kernel refuses.
pub fn reserve(size: usize) -> Option<usize> {
    if must_fail() {
        return None;
    }
    counted(memory::reserve(size))
}

/// What became of addresses that were reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// They are memory.
    Yes,
    /// They are reserved as before.
    Refused,
    /// They are another mapping's.
    Lost,
}

/// Makes readable and writable zeros of reserved addresses.
///
/// By mapping them anew, because a filter of system calls may allow no change of protection. Not over what is mapped there: a
/// kernel before Linux 6.12 may refuse the new mapping after it has removed the old one, and then nobody knows whose the
/// addresses are.
///
/// # Safety
/// The range was reserved here.
pub unsafe fn open(address: usize, size: usize) -> Opened {
    // SAFETY: the range is only reserved: nothing is in it.
    if must_fail() || !unsafe { memory::unmap(address, size) } {
        return Opened::Refused;
    }
    if is_at(counted(memory::map_near(address, size)), address, size) {
        Opened::Yes
    } else if is_at(memory::reserve_near(address, size), address, size) {
        Opened::Refused
    } else {
        Opened::Lost
    }
}

/// Like [`map`], but at `address`. False if the kernel refuses, or if something is mapped there.
pub fn map_at(address: usize, size: usize) -> bool {
    !must_fail() && is_at(memory::map_near(address, size), address, size)
}

/// Whether a mapping just made is where it was wanted; elsewhere it goes again.
fn is_at(mapping: Option<usize>, address: usize, size: usize) -> bool {
    if let Some(start) = mapping.filter(|&start| start != address) {
        // SAFETY: just mapped, seen by nobody. If the kernel keeps it, only address space is lost.
        let _ = unsafe { unmap(start, size) };
    }
    mapping == Some(address)
}

/// A mapping that holds an aligned block: what must be given back to [`unmap`], and where the block is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// The address of the mapping.
    pub base: usize,
    /// The size of the mapping.
    pub length: usize,
    /// The aligned address in it.
    pub start: usize,
}

/// Maps at least `size` bytes from an address that is a multiple of `align` (a power of two) on. The rest of the
/// mapping stays: it costs address space, while giving it back would cost two system calls and two more mappings.
pub fn map_aligned(size: usize, align: usize) -> Option<Aligned> {
    aligned(size, align, map)
}

/// An aligned range in what `make` makes of a length.
fn aligned(size: usize, align: usize, make: impl FnOnce(usize) -> Option<usize>) -> Option<Aligned> {
    let slack = align.saturating_sub(page_size());
    let length = round_up(size, page_size()).checked_add(slack).filter(|&length| length >= size)?;
    let base = make(length)?;
    Some(Aligned { base, length, start: round_up(base, align) })
}

/// Gives `[address, address + size)` back to the kernel. False if it refuses (a split mapping would be one too many):
/// the memory is then still mapped.
///
/// # Safety
/// The range was mapped here, and nothing uses it any more.
#[must_use]
pub unsafe fn unmap(address: usize, size: usize) -> bool {
    // SAFETY: the range is a mapping of the caller's, or a part of one, that is not used any more.
    unsafe { memory::unmap(address, size) }
}

/// Grows or shrinks a mapping without moving it. False if it stays as it was.
///
/// # Safety
/// `[address, address + old)` was mapped here; when it shrinks, nothing uses what is cut off.
#[must_use]
pub unsafe fn resize(address: usize, old: usize, new: usize) -> bool {
    if new > old && must_fail() {
        return false;
    }
    // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
    unsafe { memory::resize(address, old, new) }
}

/// Moves a mapping to where it can be `new` bytes long from a multiple of `align` on, contents included, without copying
/// them. `None` if it stays, as always where the system has no such call (macOS).
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
    // Not the target itself, should it have failed: the kernel may have unmapped it before it found out, and another thread
    // may have mapped something in its place since. At worst, address space is lost.
    for (from, to) in [(place.base, place.start), (end, place.base + place.length)] {
        if from < to {
            // SAFETY: what is left of that mapping. If the kernel keeps it, only address space is lost.
            let _ = unsafe { unmap(from, to - from) };
        }
    }
    moved
}

/// Gives the pages of a range back to the kernel; they read as zeros afterwards and cost nothing until touched.
/// False if the kernel kept them, with their contents.
///
/// # Safety
/// The range was mapped here, is made of whole pages, and nobody needs its contents.
#[must_use]
pub unsafe fn purge(address: usize, size: usize) -> bool {
    // SAFETY: the range is mapped, and the caller's; its contents are not needed if the advice drops them.
    unsafe { if filter::is_expected() { replace(address, size) } else { memory::purge(address, size) } }
}

/// Moves fresh pages to where others are. False if the kernel refuses: those are then as they were.
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

/// Whether a range is one mapping from end to end: whether each of its pages is mapped like the others, with the same
/// protection, sharing and advice. So it is not if somebody has changed a part of it since it was mapped. Where the system
/// cannot tell (macOS): true.
///
/// # Safety
/// The range is made of whole pages, was mapped here, and what was mapped here goes on behind it for a page at least.
pub unsafe fn is_one_mapping(address: usize, size: usize) -> bool {
    // SAFETY: the range is mapped, and the caller's; it does not grow.
    unsafe { memory::is_one_mapping(address, size) }
}

/// Whether the word at `address`, a multiple of its size, can be read. Where the system cannot tell cheaply (macOS): false.
pub fn is_readable(address: usize) -> bool {
    memory::is_readable(address)
}

/// Maps fresh zeros over a range, whatever is mapped there. False if the kernel refuses: nothing may be there any more.
///
/// # Safety
/// The range was mapped or opened here, is made of whole pages, and nobody needs its contents.
#[must_use]
pub unsafe fn renew(address: usize, size: usize) -> bool {
    // SAFETY: the range is the caller's, and nothing in it is needed.
    !must_fail() && unsafe { memory::renew(address, size) }
}

/// Asks the kernel to back a range by huge pages where it can, or (`wanted` false) not to. It may know nothing of them. Not
/// if a filter is expected.
pub fn advise_huge(address: usize, size: usize, wanted: bool) {
    if !filter::is_expected() {
        memory::advise_huge(address, size, wanted);
    }
}

/// Touches the pages of a range at once, which costs less than one by one. False if the kernel cannot.
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
        // SAFETY: the mapping is ours and readable; it is given back last.
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
        // SAFETY: nobody uses the mapping; it is given back last.
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
    fn opens_a_part_of_what_is_reserved() {
        let (page, size) = (page_size(), 1 << 20);
        let start = reserve(size).unwrap();
        // SAFETY: reserved above, and opened before it is touched.
        unsafe {
            assert_eq!(open(start, page), Opened::Yes);
            assert_eq!(open(start + page, page), Opened::Yes);
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
