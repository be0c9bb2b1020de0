//! Larson and Krishnan's server: each thread replaces blocks of 10 to 1000 bytes at random among 1000, and after a while
//! starts a thread that goes on with its blocks, and ends.
//!
//! A thread for each processor, 40 generations of 300,000 replacements each.

use crate::block::Block;
use crate::random::Random;
use crate::threads;
use std::sync::mpsc::{Sender, channel};
use std::thread;

const SLOTS: usize = 1000;
const GENERATIONS: usize = 40;
const REPLACEMENTS: usize = 300_000;
const SIZES: (usize, usize) = (10, 1000);

pub fn run() {
    let (done, finished) = channel();
    for line in 0..threads::count() {
        let mut random = Random::new(line as u64);
        let blocks = (0..SLOTS).map(|_| Block::new(random.between(SIZES.0, SIZES.1))).collect();
        let done = done.clone();
        thread::spawn(move || generation(blocks, random, GENERATIONS, done));
    }
    finished.iter().take(threads::count()).for_each(drop);
}

fn generation(mut blocks: Vec<Block>, mut random: Random, left: usize, done: Sender<()>) {
    for _ in 0..REPLACEMENTS {
        let slot = random.below(SLOTS);
        blocks[slot] = Block::new(random.between(SIZES.0, SIZES.1));
    }
    if left > 1 {
        thread::spawn(move || generation(blocks, random, left - 1, done));
    } else {
        done.send(()).expect("the main thread waits");
    }
}
