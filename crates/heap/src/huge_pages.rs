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

/// Whether huge pages are of no use here, by choice or because the kernel was slow to make them.
fn are_off() -> bool {
    // Relaxed: a thread that misses it asks for one more.
    is(Policy::Never) || STALLED.load(Ordering::Relaxed)
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

/// Asks for huge pages for a fresh chunk of slabs, if it `will_fill`. Whether it did.
///
/// The first huge page of the first such chunks is made at once and timed: where memory is so fragmented that the kernel
/// must move pages to make room, programs have stood still for seconds.
pub fn advise_chunk(start: usize, size: usize, will_fill: bool) -> bool {
    if are_off() || !(will_fill || is(Policy::Always)) {
        return false;
    }
    pages::advise_huge(start, size, true);
    // Relaxed, twice: how many are timed need not be exact.
    let timed = TIMED_SO_FAR.load(Ordering::Relaxed);
    if timed < TIMED && size >= SIZE {
        TIMED_SO_FAR.store(timed + 1, Ordering::Relaxed);
        let before = clock::nanoseconds();
        let populated = pages::populate(start, SIZE);
        if populated && clock::nanoseconds() - before > TOO_LONG_NANOSECONDS {
            // Relaxed: see `are_off`.
            STALLED.store(true, Ordering::Relaxed);
            pages::advise_huge(start, size, false);
            return false;
        }
    }
    true
}
