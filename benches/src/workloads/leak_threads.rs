//! Threads that end and leave blocks behind: nobody frees every hundredth of them, another thread frees half of the rest
//! later.
//!
//! 1,600 threads, one for each processor at a time; 6,000 blocks of 16 to 2,048 bytes each.

use crate::block::Block;
use crate::random::Random;
use crate::threads;
use std::sync::Mutex;

const THREADS: usize = 1600;
const BLOCKS: usize = 6_000;

pub fn run() {
    let count = threads::count();
    let left: Vec<Mutex<Vec<Block>>> = (0..count).map(|_| Mutex::default()).collect();
    for generation in 0..THREADS / count {
        threads::run(count, |number| {
            let mut random = Random::new((generation * count + number) as u64);
            let mut blocks: Vec<_> = (0..BLOCKS).map(|_| Block::new(random.log_uniform(4, 11))).collect();
            blocks.drain(..BLOCKS / 100).for_each(|block| {
                block.into_raw();
            });
            let half = blocks.split_off(blocks.len() / 2);
            let before = std::mem::replace(&mut *left[(number + generation) % count].lock().expect("no panics"), half);
            drop(before);
        });
    }
}
