//! Jansson's benchmark: each thread holds 1,000 places, frees and refills a tenth of them at a time, and hands some of the
//! blocks to its neighbour to free.
//!
//! Sizes 16 to 8,000 bytes, each as likely as the others; 40,000 rounds of 100 blocks a thread, a handing over of 100
//! blocks every second round.

use crate::block::Block;
use crate::random::Random;
use crate::threads;
use std::sync::Mutex;

const PLACES: usize = 1000;
const ROUNDS: usize = 40_000;
const BLOCKS: usize = 100;
const SIZES: (usize, usize) = (16, 8000);

pub fn run() {
    let count = threads::count();
    let inboxes: Vec<Mutex<Vec<Block>>> = (0..count).map(|_| Mutex::default()).collect();
    threads::run(count, |number| {
        let mut random = Random::new(number as u64);
        let mut places: Vec<Option<Block>> = (0..PLACES).map(|_| None).collect();
        let neighbour = &inboxes[(number + 1) % count];
        for round in 0..ROUNDS {
            let first = random.below(PLACES);
            for step in 0..BLOCKS {
                // A step that has no divisor in common with the number of places reaches all of them.
                places[(first + step * 37) % PLACES] = Some(Block::new(random.between(SIZES.0, SIZES.1)));
            }
            if round % 2 == 0 {
                let gift: Vec<_> = (0..BLOCKS).filter_map(|step| places[(first + step * 37) % PLACES].take()).collect();
                let old = std::mem::replace(&mut *neighbour.lock().expect("no thread panics"), gift);
                // What the neighbour did not fetch in time comes back to be freed here.
                drop(old);
                let mine = std::mem::take(&mut *inboxes[number].lock().expect("no thread panics"));
                drop(mine);
            }
        }
    });
}
