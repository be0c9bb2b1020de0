//! Berger's threadtest: all threads allocate 30,000 blocks of 8 bytes together, and free them in the same order.
//!
//! 3,000 times (the original's default is 50, which is over too soon to be timed as a process).

use crate::block::Block;
use crate::threads;

const TIMES: usize = 3000;
const BLOCKS: usize = 30_000;
const SIZE: usize = 8;

pub fn run() {
    let count = threads::count();
    threads::run(count, |_| {
        let mut blocks = Vec::with_capacity(BLOCKS / count);
        for _ in 0..TIMES {
            blocks.extend((0..BLOCKS / count).map(|_| Block::new(SIZE)));
            blocks.clear();
        }
    });
}
