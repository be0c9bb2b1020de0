//! Runs that end with a margin: pages that are never the program's.
//!
//! A program may map a file over pages of its block, or protect, lock or advise them, and free the block so. glibc unmaps
//! blocks from 128 KiB on, and what was done to their pages ends there; so it must here, before the pages are another block's.
//! As long as a run's pages are as they were mapped, they are one mapping with its margin, which nobody can have changed; and
//! that is one question to the kernel.

use xalloc_os::pages;

/// The unit of a run. Smaller than the kernel's pages on some machines, for which a run with a margin is rounded up.
pub const PAGE: usize = 4 << 10;

/// From how many pages on a run has a margin: as many as make a block that glibc maps.
const FROM: usize = (128 << 10) / PAGE;

/// Returns the size of the kernel's pages, in pages of runs.
pub fn unit() -> usize {
    (pages::page_size() / PAGE).max(1)
}

/// Returns how many pages a run takes in which the program has `size` bytes.
pub fn length_for(size: usize) -> usize {
    match size.div_ceil(PAGE).max(1) {
        count if count < FROM => count,
        // Whole pages of the kernel's, whatever their size: nothing else can be changed, or mapped afresh.
        count => count.next_multiple_of(unit()) + unit(),
    }
}

/// Returns how many pages of a run of `length` pages are the program's.
pub fn usable(length: usize) -> usize {
    if is_in(length) { length - unit() } else { length }
}

/// Returns whether a run of `length` pages has a margin.
pub fn is_in(length: usize) -> bool {
    length >= FROM
}

/// Returns whether the pages of a run are as they were mapped, as far as it has a margin to tell.
///
/// # Safety
/// A run of `length` pages starts at `address`, and no other thread frees or resizes it.
pub unsafe fn is_intact(address: usize, length: usize) -> bool {
    // SAFETY: whole pages of the kernel's, by `length_for`; a chunk goes on behind each of its runs.
    !is_in(length) || unsafe { pages::is_one_mapping(address, length * PAGE) }
}
