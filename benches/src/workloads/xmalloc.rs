//! Lever and Boreham's producers and consumers: no block is freed by the thread that allocated it.
//!
//! A producer and a consumer for each processor; batches of 1,024 blocks of 16 to 2,048 bytes, each doubling half as
//! likely as the one before; 8,000 batches a producer, at most 8 of them waiting.

use crate::block::Block;
use crate::random::Random;
use crate::threads;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};

const BATCH: usize = 1024;
const BATCHES: usize = 8000;
const WAITING: usize = 8;

#[derive(Default)]
struct Queue {
    batches: Mutex<VecDeque<Vec<Block>>>,
    changed: Condvar,
}

impl Queue {
    fn put(&self, batch: Vec<Block>) {
        let mut batches = self.batches.lock().expect("no thread panics");
        while batches.len() >= WAITING {
            batches = self.changed.wait(batches).expect("no thread panics");
        }
        batches.push_back(batch);
        self.changed.notify_all();
    }

    fn take(&self) -> Vec<Block> {
        let mut batches = self.batches.lock().expect("no thread panics");
        loop {
            if let Some(batch) = batches.pop_front() {
                self.changed.notify_all();
                return batch;
            }
            batches = self.changed.wait(batches).expect("no thread panics");
        }
    }
}

pub fn run() {
    let queue = Queue::default();
    threads::run(2 * threads::count(), |number| {
        if number % 2 == 0 {
            let mut random = Random::new(number as u64);
            (0..BATCHES).for_each(|_| queue.put((0..BATCH).map(|_| Block::new(size(&mut random))).collect()));
        } else {
            (0..BATCHES).for_each(|_| drop(queue.take()));
        }
    });
}

fn size(random: &mut Random) -> usize {
    let doubling = random.next().trailing_zeros().min(6);
    random.between(16 << doubling, 32 << doubling)
}
