//! When the kernel is asked for huge pages.
//!
//! One fault instead of 512 and far fewer misses of the translation cache, but a touched byte makes 2 MiB resident. So they
//! are asked for only where the program is seen to touch everything: for slabs of small blocks, once there are many that
//! are full, and for a large block that grows after the program has filled it. [`Policy::Always`] asks for more.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use xalloc_os::{clock, filter, pages};

/// The size of a huge page on x86-64, and on aarch64 with pages of 4 KiB.
pub const SIZE: usize = 2 << 20;
/// Blocks from this size on may get huge pages.
pub const BLOCK_MIN: usize = 2 * SIZE;
/// A huge page that takes the kernel longer than this, because it has to move others out of the way, is not worth it.
const TOO_LONG_NANOSECONDS: u64 = 3_000_000;
/// How many huge pages are timed.
const TIMED: u8 = 2;

/// When huge pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// Where the program touches what it gets.
    Default = 0,
    /// Never.
    Never = 1,
    /// For all large blocks, and for all slabs but the first of each class in each thread.
    Always = 2,
}

static POLICY: AtomicU8 = AtomicU8::new(Policy::Default as u8);
static TIMED_SO_FAR: AtomicU8 = AtomicU8::new(0);
static STALLED: AtomicBool = AtomicBool::new(false);

/// Sets the policy. Before the first allocation.
pub fn set_policy(policy: Policy) {
    // Relaxed: written before start-up ends, and so before the first block is handed out; what comes earlier, a `free` of
    // another allocator's block, does not come here.
    POLICY.store(policy as u8, Ordering::Relaxed);
}

fn is(policy: Policy) -> bool {
    // Relaxed: see `set_policy`.
    POLICY.load(Ordering::Relaxed) == policy as u8
}

/// Returns whether huge pages may be asked for. They may not if the user wants none, if the kernel was slow to make them, or if
/// a filter of system calls may be installed.
pub fn are_to_be_had() -> bool {
    // Relaxed: a thread that misses it asks for one more.
    !is(Policy::Never) && !STALLED.load(Ordering::Relaxed) && !filter::is_expected()
}

/// Returns what the start of a block of `size` bytes should be aligned to.
pub fn block_align(size: usize) -> usize {
    if size >= BLOCK_MIN && are_to_be_had() { SIZE } else { 1 }
}

/// Asks for huge pages for a fresh mapping of a block of `size` bytes, of which nobody knows how much will be touched. Returns
/// whether it did.
pub fn advise_block(base: usize, length: usize, size: usize) -> bool {
    let wanted = size >= BLOCK_MIN && is(Policy::Always) && are_to_be_had();
    if wanted {
        pages::advise_huge(base, length, true);
    }
    wanted
}

/// Asks for huge pages for the mapping of a block that starts at `start` and grew from `old` to `size` bytes, if the program
/// has filled it so far. For all of the mapping: the kernel resizes only what has the same properties from end to end. Returns
/// whether it did.
///
/// # Safety
/// The mapping is one to the kernel, at least `old` bytes long from `start` on, and the caller's.
pub unsafe fn advise_grown(base: usize, length: usize, start: usize, old: usize, size: usize) -> bool {
    // SAFETY: the first `old` bytes from `start` on are in one mapping of the caller's, so all of them can be read or none.
    let wanted = size >= BLOCK_MIN && are_to_be_had() && (is(Policy::Always) || unsafe { is_filled(start, old) });
    if wanted {
        pages::advise_huge(base, length, true);
    }
    wanted
}

/// Asks for no more huge pages for a mapping that becomes another block; those that it has stay. Returns whether it did.
pub fn retract(base: usize, length: usize) -> bool {
    let wanted = !is(Policy::Always);
    if wanted {
        pages::advise_huge(base, length, false);
    }
    wanted
}

/// How many pages of a block are looked at.
const SAMPLES: usize = 8;

/// Returns whether something other than zeros is in each of a few pages all over a block: fresh pages read as zeros, so that
/// the program has touched these. `mincore` would tell more, but a filter of system calls may end the process for it.
///
/// # Safety
/// The block is the caller's, and its pages are all readable or none is.
unsafe fn is_filled(start: usize, size: usize) -> bool {
    let page = pages::page_size();
    // A program may have protected all of it.
    pages::is_readable(start)
        && (0..SAMPLES).all(|sample| {
            let first = pages::round_up(start + size / SAMPLES * sample, page);
            // SAFETY: inside the block, which is readable. Volatile: another thread of the program may be writing to it.
            (first..first + page)
                .step_by(size_of::<usize>())
                .any(|word| unsafe { (word as *const usize).read_volatile() } != 0)
        })
}

/// Returns whether slabs that will be filled get huge pages however few they are.
pub fn are_for_all_slabs() -> bool {
    is(Policy::Always)
}

/// Returns whether the caller is to call [`try_one`], which is true a few times only.
pub fn is_one_to_be_tried() -> bool {
    // Relaxed, twice: how many are timed need not be exact.
    let timed = TIMED_SO_FAR.load(Ordering::Relaxed);
    if timed < TIMED {
        TIMED_SO_FAR.store(timed + 1, Ordering::Relaxed);
    }
    timed < TIMED
}

/// Has the huge page at `start`, which was asked for, made at once. Returns false if that took so long that no more are asked
/// for: where memory is so fragmented that the kernel must move pages to make room, programs have stood still for seconds. So
/// no lock may be held.
pub fn try_one(populate: impl FnOnce() -> bool) -> bool {
    let before = clock::nanoseconds();
    let stalled = populate() && clock::nanoseconds() - before > TOO_LONG_NANOSECONDS;
    if stalled {
        // Relaxed: see `are_to_be_had`.
        STALLED.store(true, Ordering::Relaxed);
    }
    !stalled
}
