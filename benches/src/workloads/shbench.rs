//! After MicroQuill's SmartHeap benchmark: batches of blocks of like sizes, small ones far more often than large ones,
//! freed now in the order of their allocation, now in the reverse one, some of them much later.
//!
//! *sh6bench*: threads for themselves. *sh8bench*: each thread frees the batches that others kept for later. Sizes 1 to
//! 1,000 bytes; 400 rounds over 100 sizes, 40 to 1,000 blocks a batch.

use crate::block::Block;
use crate::threads;
use std::sync::Mutex;

const ROUNDS: usize = 400;
const SIZES: usize = 100;
const STEP: usize = 10;
/// Batches that wait to be freed in the other order, or by another thread.
const KEPT: usize = 16;

pub fn alone() {
    let count = threads::count();
    threads::run(count, |_| {
        let mut kept: Vec<Vec<Block>> = Vec::new();
        for round in 0..ROUNDS {
            round_of_batches(round, |batch| {
                kept.push(batch);
                (kept.len() > KEPT).then(|| kept.remove(0))
            });
        }
    });
}

pub fn exchanging() {
    let count = threads::count();
    let kept: Mutex<Vec<Vec<Block>>> = Mutex::default();
    threads::run(2 * count, |_| {
        for round in 0..ROUNDS {
            round_of_batches(round, |batch| {
                let mut kept = kept.lock().expect("no thread panics");
                kept.push(batch);
                (kept.len() > KEPT * count).then(|| kept.remove(0))
            });
        }
    });
}

/// Allocates a batch of each size. Every third one goes to `keep`, which returns one that was kept earlier.
fn round_of_batches(round: usize, mut keep: impl FnMut(Vec<Block>) -> Option<Vec<Block>>) {
    for number in 0..SIZES {
        let size = 1 + number * STEP;
        let count = (100_000 / (size + 90)).clamp(40, 1000);
        let mut batch: Vec<_> = (0..count).map(|index| Block::new(size + index % STEP)).collect();
        match (number + round) % 3 {
            // A vector drops its elements from the first to the last.
            0 => drop(batch),
            1 => while batch.pop().is_some() {},
            _ => drop(keep(batch)),
        }
    }
}
