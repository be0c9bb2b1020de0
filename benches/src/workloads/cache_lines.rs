//! Berger's tests for false sharing: threads that allocate a small block, write to it many times and free it, again and
//! again. An allocator that gives two threads parts of one cache line makes them slow.
//!
//! *cache-thrash*: each thread allocates for itself. *cache-scratch*: each first frees a block that the main thread
//! allocated, next to those of the others, and gets it back if the allocator is careless. 8-byte blocks, 1,000 times, each
//! byte written 500,000 times in all threads together.

use crate::threads;
use std::hint::black_box;
use std::sync::Mutex;

const SIZE: usize = 8;
const TIMES: usize = 1000;
const WRITES: usize = 500_000;

pub fn thrash() {
    let count = threads::count();
    threads::run(count, |_| work(WRITES / count));
}

pub fn scratch() {
    let count = threads::count();
    let blocks: Vec<_> = (0..count).map(|_| Mutex::new(Some(Box::new([1u8; SIZE])))).collect();
    threads::run(count, |number| {
        drop(blocks[number].lock().expect("no thread panics").take());
        work(WRITES / count);
    });
}

fn work(writes: usize) {
    for _ in 0..TIMES {
        let mut block = black_box(Box::new([0u8; SIZE]));
        for write in 0..writes {
            for byte in block.iter_mut() {
                // SAFETY: a reference. Volatile, because the writes to memory are what is measured.
                unsafe { std::ptr::write_volatile(byte, write as u8) };
            }
        }
    }
}
