//! When the kernel is asked for huge pages.
//!
//! One fault instead of 512 and far fewer misses of the translation cache, against memory that is resident although the
//! program never touched it. So small programs stay on ordinary pages: only blocks of several megabytes get them, and
//! slabs once there are many.

use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use xalloc_os::{clock, pages};

/// The size of a huge page on x86-64, and on aarch64 with pages of 4 KiB.
pub const SIZE: usize = 2 << 20;
/// Blocks from this size on get huge pages: at most a part of the last one is resident for nothing.
pub const BLOCK_MIN: usize = 2 * SIZE;
/// A huge page that takes the kernel longer than this, because it has to move others out of the way, is not worth it.
const TOO_LONG_NANOSECONDS: u64 = 3_000_000;
/// How many huge pages are timed.
const TIMED: u8 = 2;

/// When huge pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Policy {
    /// For large blocks, and for the slabs of programs that have many.
    Default = 0,
    /// Never.
    Never = 1,
    /// From the first slab on.
    Always = 2,
}

static POLICY: AtomicU8 = AtomicU8::new(Policy::Default as u8);
static TIMED_SO_FAR: AtomicU8 = AtomicU8::new(0);
static STALLED: AtomicBool = AtomicBool::new(false);

/// Sets the policy. Before the first allocation.
pub fn set_policy(policy: Policy) {
    // Relaxed: written before start-up ends, which orders it before every use.
    POLICY.store(policy as u8, Ordering::Relaxed);
}

fn is(policy: Policy) -> bool {
    // Relaxed: see `set_policy`.
    POLICY.load(Ordering::Relaxed) == policy as u8
}

/// Whether huge pages are not asked for: by choice, because the kernel was slow to make them, or because it may be a filter
/// that is asked.
fn are_off() -> bool {
    // Relaxed: a thread that misses it asks for one more.
    is(Policy::Never) || STALLED.load(Ordering::Relaxed) || pages::is_filter_expected()
}

/// What the start of a block of `size` bytes should be aligned to.
pub fn block_align(size: usize) -> usize {
    if size >= BLOCK_MIN && !are_off() { SIZE } else { 1 }
}

/// Asks for huge pages for the mapping of a block of `size` bytes, if that is large enough. For all of the mapping: the
/// kernel resizes only what has the same properties from end to end.
pub fn advise_block(base: usize, length: usize, size: usize) {
    if size >= BLOCK_MIN && !are_off() {
        pages::advise_huge(base, length, true);
    }
}

/// Asks for huge pages for memory of slabs that is fresh, if it `will_fill`. Whether it did.
pub fn advise_chunk(start: usize, size: usize, will_fill: bool) -> bool {
    let wanted = !are_off() && (will_fill || is(Policy::Always));
    if wanted {
        pages::advise_huge(start, size, true);
    }
    wanted
}

/// Whether the caller is to [`try_one`]: that is said a few times only.
pub fn is_one_to_be_tried() -> bool {
    // Relaxed, twice: how many are timed need not be exact.
    let timed = TIMED_SO_FAR.load(Ordering::Relaxed);
    if timed < TIMED {
        TIMED_SO_FAR.store(timed + 1, Ordering::Relaxed);
    }
    timed < TIMED
}

/// Has the huge page at `start`, which was asked for, made at once. False if that took so long that no more are asked for:
/// where memory is so fragmented that the kernel must move pages to make room, programs have stood still for seconds. So no
/// lock may be held.
pub fn try_one(start: usize) -> bool {
    let before = clock::nanoseconds();
    let stalled = pages::populate(start, SIZE) && clock::nanoseconds() - before > TOO_LONG_NANOSECONDS;
    if stalled {
        // Relaxed: see `are_off`.
        STALLED.store(true, Ordering::Relaxed);
    }
    !stalled
}
