//! Blocks that other allocators of the process made: how to recognise, measure, resize and free them.
//!
//! Blocks of libc's own malloc come from modules that were opened with `dlmopen`, and from code that calls `__libc_malloc`.
//! They are recognised by glibc's chunk header: two words before the block, `previous size` and `size | flags` (the same since
//! glibc 2.3). A pointer that nobody allocated has no such header. Other libcs are not known.
//!
//! The header decides where it can, which needs no system calls but those that glibc's malloc needs: a process that is locked
//! up can open no file, and a filter may end it for trying. `/proc/self/maps` is read only for what is left then: a chunk that
//! could be a second libc's, and a pointer that is not to a chunk.

use super::{libc_imports, next_allocator};
use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};
use xalloc_os::maps::{self, Place};
use xalloc_os::{errno, pages, syscall};

const PREVIOUS_IN_USE: usize = 1;
const MAPPED: usize = 2;
const NON_MAIN_ARENA: usize = 4;
const FLAGS: usize = 7;
const WORD: usize = size_of::<usize>();
const HEADER: usize = 2 * WORD;
const MIN_CHUNK: usize = 4 * WORD;
/// The alignment of the heaps of glibc's further arenas: twice its largest mmap threshold.
const ARENA_HEAP: usize = 64 << 20;

/// A block that another allocator made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign(Maker);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// This process's libc. The number is the block's usable size in bytes.
    Libc(usize),
    /// A second libc (`dlmopen`): only that one could free the block. The number is the block's usable size in bytes.
    SecondLibc(usize),
    /// The allocator behind this library: no other one is left.
    Next,
}

impl Foreign {
    /// Returns whether the maker is a guess, because nothing about the block itself says it.
    pub fn is_guess(&self) -> bool {
        self.0 == Maker::Next
    }
}

/// The break at start-up, which is before libc's heap; 0 if it is not known.
static BREAK: AtomicUsize = AtomicUsize::new(0);

/// Learns what can be learned only at start-up. The constructor calls it.
pub fn prepare() {
    // Relaxed: written before there are other threads.
    BREAK.store(syscall::program_break(), Ordering::Relaxed);
    next_allocator::prepare();
}

/// Returns the maker of another allocator's block; `None` if no allocator can have made `pointer`.
///
/// It reads no memory that cannot be read, so `pointer` may have any value.
pub fn recognise(pointer: usize) -> Option<Foreign> {
    let next = || next_allocator::may_own(pointer).then_some(Maker::Next);
    chunk_of_libc(pointer).or_else(next).map(Foreign)
}

/// Returns the name of the library that would be the program's allocator without this one, if that is not libc.
pub fn next_library() -> Option<&'static CStr> {
    next_allocator::library()
}

fn chunk_of_libc(pointer: usize) -> Option<Maker> {
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
        let is_whole = flags == MAPPED && is_whole_mapping(pointer, chunk.checked_sub(previous)?, end);
        return is_whole.then_some(Maker::Libc(size - HEADER));
    }
    let usable = size - WORD;
    // Whether a block is in use is in the header of the next block.
    if read_word(end + WORD)? & PREVIOUS_IN_USE == 0 {
        return None;
    }
    if flags & NON_MAIN_ARENA != 0 {
        let heap = pointer & !(ARENA_HEAP - 1);
        let arena = read_word(heap)?;
        // The heap's header names its arena, so the `free` of any libc can free the block; it uses no other state but its own
        // cache.
        return read_word(arena).map(|_| Maker::Libc(usable));
    }
    chunk_of_a_main_arena(chunk, usable)
}

/// Returns whether a block with a mapping of its own fills that mapping. glibc demands the same before it unmaps it.
fn is_whole_mapping(block: usize, start: usize, end: usize) -> bool {
    let offset = block & (pages::page_size() - 1);
    (start | end).is_multiple_of(pages::page_size()) && (offset == 0 || offset.is_power_of_two())
}

/// Returns whose a chunk of a main arena is. A second libc's is never in the break, because glibc does not move the break for
/// it.
fn chunk_of_a_main_arena(chunk: usize, usable: usize) -> Option<Maker> {
    if is_in_break(chunk) {
        return Some(Maker::Libc(usable));
    }
    match maps::describe(chunk) {
        // Only this process's libc had moved the break before us.
        Place::Break => Some(Maker::Libc(usable)),
        // Where nothing is known, this choice does no harm.
        Place::Anonymous | Place::Unknown => Some(Maker::SecondLibc(usable)),
        Place::Unmapped | Place::Stack | Place::File => None,
    }
}

/// Returns the usable size of a block; `None` if its maker does not say.
///
/// # Safety
/// `pointer` was just recognised as `block`, and the block is live.
pub unsafe fn usable_size(pointer: usize, block: Foreign) -> Option<usize> {
    match block.0 {
        Maker::Libc(usable) | Maker::SecondLibc(usable) => Some(usable),
        // SAFETY: the block is one of that allocator's, in use, and the caller's.
        Maker::Next => unsafe { next_allocator::usable_size(pointer) },
    }
}

/// Frees a block by its maker. A second libc's blocks are left alone: the first libc's `free` would corrupt itself, and a lost
/// block harms nobody.
///
/// # Safety
/// `pointer` was just recognised as `block`, and its owner frees it.
pub unsafe fn free(pointer: usize, block: Foreign) {
    match (block.0, libc_imports::libc_free()) {
        // glibc's own keeps errno since 2.33.
        // SAFETY: the block was recognised as one of libc's, is in use, and is the caller's.
        (Maker::Libc(_), Some(libc_free)) => errno::kept(|| unsafe { libc_free(pointer as *mut _) }),
        // SAFETY: the block is one of that allocator's, in use, and the caller's.
        (Maker::Next, _) => errno::kept(|| unsafe { next_allocator::free(pointer) }),
        (Maker::Libc(_) | Maker::SecondLibc(_), _) => {}
    }
}

/// Resizes a block by its maker, and returns its address; null, with errno set, if there is no memory. `None` if the maker
/// cannot: the block is as it was, and its contents must move to our heap.
///
/// # Safety
/// `pointer` was just recognised as `block`, and nothing uses it but through the result.
pub unsafe fn resize(pointer: usize, block: Foreign, size: usize) -> Option<*mut u8> {
    match block.0 {
        Maker::Libc(_) | Maker::SecondLibc(_) => None,
        // SAFETY: the block is one of that allocator's, in use, and the caller's.
        Maker::Next => unsafe { next_allocator::resize(pointer, size) },
    }
}

/// Returns whether `address` is in what was added to the break since start-up.
fn is_in_break(address: usize) -> bool {
    // Relaxed: see `prepare`.
    let start = BREAK.load(Ordering::Relaxed);
    start != 0 && (start..syscall::program_break()).contains(&address)
}

/// Returns the word at `address`, if it can be read. If another thread unmaps it at this moment, the process ends, as it would
/// in libc's `free`.
fn read_word(address: usize) -> Option<usize> {
    let can_read = address.is_multiple_of(WORD) && syscall::is_readable(address);
    // SAFETY: readable and aligned; what another thread writes there meanwhile makes any value, not harm.
    can_read.then(|| unsafe { (address as *const usize).read_volatile() })
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
                assert_eq!(usable_size(block as usize, found), Some(libc::malloc_usable_size(block)));
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
