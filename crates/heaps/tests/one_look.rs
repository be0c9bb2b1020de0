//! What the slow path of `free` costs: each block is looked up once, and a lock is taken once at most. A test binary of its own: the
//! counts are the process's.

#![cfg(debug_assertions)]

use xalloc_blocks::tally;
use xalloc_heap::Heap;
use xalloc_heaps::FastHeap;

static HEAP: FastHeap = FastHeap::new();
const BLOCKS: usize = 8;

/// How often a block was looked up and how many locks were taken, for each of some blocks that are freed.
fn frees(size: usize) -> Vec<(usize, usize)> {
    let blocks = [(); BLOCKS].map(|()| HEAP.malloc(size));
    assert!(blocks.iter().all(|block| !block.is_null()));
    let free = |block| {
        let mut looked_up = 0;
        let locked = tally::LOCKS.during(|| {
            // SAFETY: a block of this heap, used by nobody.
            looked_up = tally::LOOK_UPS.during(|| unsafe { HEAP.free(block).unwrap() });
        });
        (looked_up, locked)
    };
    blocks.into_iter().map(free).collect()
}

#[test]
fn a_block_is_looked_up_once_and_a_lock_taken_once() {
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
}
