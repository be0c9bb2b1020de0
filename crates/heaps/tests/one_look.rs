//! What the slow path of `free` costs: each block is looked up once, and a lock is taken once at most. A test binary of its
//! own: the counts are the process's.

#![cfg(debug_assertions)]

use xalloc_blocks::tally;
use xalloc_heap::{Heap, Misuse};
use xalloc_heaps::FastHeap;

static HEAP: FastHeap = FastHeap::new();
const BLOCKS: usize = 8;

/// How many addresses were looked up and how many locks were taken while `f` ran.
fn counts(f: impl FnOnce()) -> (usize, usize) {
    let mut looked_up = 0;
    let locked = tally::LOCKS.during(|| looked_up = tally::LOOK_UPS.during(f));
    (looked_up, locked)
}

/// [`counts`] of each of some blocks that are freed.
fn frees(size: usize) -> Vec<(usize, usize)> {
    let blocks = [(); BLOCKS].map(|()| HEAP.malloc(size));
    assert!(blocks.iter().all(|block| !block.is_null()));
    // SAFETY: a block of this heap, used by nobody.
    let free = |block| counts(|| unsafe { HEAP.free(block).unwrap() });
    blocks.into_iter().map(free).collect()
}

#[test]
fn an_address_is_looked_up_once_and_a_lock_taken_once() {
    xalloc_os::thread::prepare();
    HEAP.init(|incident| panic!("{incident:?}"));
    HEAP.thread_init();
    // The more is held, the more must become free before the heap looks whether it is too much, which takes more locks.
    let held = HEAP.malloc(1 << 30);
    assert!(!held.is_null());
    assert_eq!(frees(100), [(1, 0); BLOCKS], "blocks of a slab");
    let runs = frees(1 << 20);
    assert!(runs.iter().filter(|counts| **counts == (1, 1)).count() >= BLOCKS - 1, "runs: {runs:?}");
    assert!(runs.iter().all(|counts| counts.0 == 1), "runs: {runs:?}");
    // Of the first ones, each is looked at for pages that the program has changed.
    (0..8).for_each(|_| drop(frees(5 << 20)));
    let huge = frees(5 << 20);
    assert!(huge.iter().filter(|counts| **counts == (1, 1)).count() >= BLOCKS - 2, "huge blocks: {huge:?}");
    // A huge block is had without a look at all that else could be had, which takes the lock of each part of the heap.
    let block = counts(|| assert!(!HEAP.malloc(5 << 20).is_null()));
    assert!(block.0 <= 1 && block.1 <= 6, "{block:?}");
    // A pointer that is nobody's, which on macOS is an everyday thing, and one far into a huge block.
    let (local, interior) = (0, held.wrapping_add(1 << 29));
    let nobodys = counts(|| assert_eq!(HEAP.misuse_at((&raw const local) as usize), None));
    assert_eq!(nobodys, (1, 2), "the arena and the huge blocks are asked");
    let inside = counts(|| assert!(matches!(HEAP.misuse_at(interior as usize), Some(Misuse::Interior { .. }))));
    assert_eq!(inside, (1, 2));
    // SAFETY: no block starts there, and nothing is freed.
    let refused = counts(|| unsafe { assert!(HEAP.free(held.wrapping_add(16)).is_err()) });
    assert_eq!(refused, (1, 1));
}
