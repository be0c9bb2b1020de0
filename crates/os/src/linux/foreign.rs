//! Blocks that libc's own malloc made: how to tell, how large they are, how to give them back.
//!
//! They reach us from modules opened with RTLD_DEEPBIND or `dlmopen`, and from code that calls `__libc_malloc`. What is
//! read here is glibc's chunk header: two words before the block, `previous size` and `size | flags` (unchanged since
//! glibc 2.3). A pointer that nobody allocated has no such header; other libcs are not known.

use super::syscall::Errno;
use super::{libc_imports, maps, syscall};
use crate::maps::Place;
use crate::{errno, pages};
use core::sync::atomic::{AtomicUsize, Ordering};

const PREVIOUS_IN_USE: usize = 1;
const MAPPED: usize = 2;
const NON_MAIN_ARENA: usize = 4;
const FLAGS: usize = 7;
const WORD: usize = size_of::<usize>();
const HEADER: usize = 2 * WORD;
const MIN_CHUNK: usize = 4 * WORD;
/// glibc aligns the heaps of its further arenas to twice its largest mmap threshold.
const ARENA_HEAP: usize = 64 << 20;

/// A block of libc's malloc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// How many bytes of it may be used.
    pub usable: usize,
    /// Whether this process's libc made it. If not, a second libc (`dlmopen`) did, and only that one could free it.
    ours_to_free: bool,
}

/// Recognises a block of libc's malloc by its header; `None` if `pointer` has none that makes sense.
///
/// Reads nothing itself, so any value may be asked about.
pub fn recognise(pointer: usize) -> Option<Foreign> {
    if !pointer.is_multiple_of(HEADER) || pointer < HEADER || libc_imports::libc_free().is_none() {
        return None;
    }
    let chunk = pointer - HEADER;
    let (previous, tagged) = (read_word(chunk)?, read_word(chunk + WORD)?);
    let (size, flags) = (tagged & !FLAGS, tagged & FLAGS);
    let end = chunk.checked_add(size)?;
    if size < MIN_CHUNK || !size.is_multiple_of(HEADER) {
        return None;
    }
    if flags & MAPPED != 0 {
        let start = chunk.checked_sub(previous)?;
        let whole = (start | end).is_multiple_of(pages::page_size());
        return (whole && is_anonymous(chunk)).then_some(Foreign { usable: size - HEADER, ours_to_free: true });
    }
    let usable = size - WORD;
    // A block in use is said to be so by its successor.
    if read_word(end + WORD)? & PREVIOUS_IN_USE == 0 {
        return None;
    }
    if flags & NON_MAIN_ARENA != 0 {
        let heap = pointer & !(ARENA_HEAP - 1);
        let arena = read_word(heap)?;
        // The arena is named by the heap, so any libc's `free` finds its way; it takes no other state but its own cache.
        return read_word(arena).map(|_| Foreign { usable, ours_to_free: true });
    }
    if is_in_break(pointer) {
        // A second libc cannot move the break (glibc refuses), so this is the first one's.
        return Some(Foreign { usable, ours_to_free: true });
    }
    is_anonymous(chunk).then_some(Foreign { usable, ours_to_free: false })
}

/// Gives a block back to the libc that made it. A second libc's blocks stay where they are: handing them to the first
/// one's `free` would corrupt it, and losing them harms nobody.
///
/// # Safety
/// `pointer` was just recognised as `block`, and its owner frees it.
pub unsafe fn free(pointer: usize, block: Foreign) {
    if let (true, Some(libc_free)) = (block.ours_to_free, libc_imports::libc_free()) {
        // glibc's own keeps errno since 2.33.
        // SAFETY: the caller's promise.
        errno::kept(|| unsafe { libc_free(pointer as *mut _) });
    }
}

/// `None`: a block that is resized moves to the heap that is asked.
///
/// # Safety
/// None is needed: the block is left alone.
pub unsafe fn resize(_pointer: usize, _block: Foreign, _size: usize) -> Option<*mut u8> {
    None
}

/// Whether `address` is in the `brk` heap, whose start never changes and is looked up once.
fn is_in_break(address: usize) -> bool {
    static START: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: every thread would store the same value.
    let start = match START.load(Ordering::Relaxed) {
        0 => maps::break_start().unwrap_or(0),
        start => start,
    };
    START.store(start, Ordering::Relaxed);
    start != 0 && (start..syscall::program_break()).contains(&address)
}

/// Whether the pages at `address` came from an anonymous `mmap`: not a stack, nor a file's data.
fn is_anonymous(address: usize) -> bool {
    maps::describe(address) == Place::Anonymous
}

/// The word at `address`, if there is one that can be read.
fn read_word(address: usize) -> Option<usize> {
    if !address.is_multiple_of(WORD) {
        return None;
    }
    match syscall::read_word(address) {
        // A kernel, an emulator or a filter that has no such call.
        Err(Errno(libc::ENOSYS | libc::EPERM)) => read_mapped_word(address),
        answer => answer.ok(),
    }
}

/// The word at `address` if it is mapped: a page that is mapped and cannot be read ends the process, and so does one that
/// another thread unmaps meanwhile.
fn read_mapped_word(address: usize) -> Option<usize> {
    let page = address & !(pages::page_size() - 1);
    // SAFETY: mapped and aligned; what another thread writes there meanwhile makes any value, not harm.
    syscall::is_mapped(page).then(|| unsafe { (address as *const usize).read_volatile() })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "libc's own blocks are what is tested")]
mod tests {
    use super::*;

    #[test]
    fn recognises_blocks_of_libc() {
        for size in [1, 24, 25, 1000, 100_000, 1 << 20, 64 << 20] {
            // SAFETY: a block of libc's malloc, freed once, through the function under test.
            unsafe {
                let block = libc::malloc(size);
                let found = recognise(block as usize).unwrap_or_else(|| panic!("{size} not recognised"));
                assert_eq!(found.usable, libc::malloc_usable_size(block));
                free(block as usize, found);
            }
        }
    }

    #[test]
    fn refuses_what_libc_did_not_make() {
        static DATA: [u64; 64] = [0; 64];
        let stack = [0u64; 64];
        for pointer in
            [0, 8, 16, 0x1234_5670, usize::MAX & !15, (&raw const DATA) as usize, (&raw const stack) as usize]
        {
            let pointer = pages::round_up(pointer, 16);
            assert_eq!(recognise(pointer), None, "{pointer:#x}");
        }
    }
}
