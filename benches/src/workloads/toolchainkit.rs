//! toolchainkit's seven rows in one run: 10,000 blocks of 64 bytes, of 1 KiB, 1,000 of 1 MiB, each allocated and then
//! freed; sizes 16 to 8,192 in turn, freed in reverse; a block that grows by 64 bytes 10,000 times; strings; vectors.
//!
//! Each row 100 times, because once is over in a few milliseconds.

use crate::block::Block;
use crate::report;
use std::hint::black_box;

const COUNT: usize = 10_000;
const TIMES: usize = 100;

pub fn run() {
    let rows: [(&str, fn()); 7] = [
        ("small", || batch(COUNT, 64)),
        ("medium", || batch(COUNT, 1 << 10)),
        ("large", || batch(1000, 1 << 20)),
        ("mixed", mixed),
        ("realloc", realloc),
        ("strings", strings),
        ("vectors", vectors),
    ];
    for (name, row) in rows {
        let ((), time) = report::timed(|| (0..TIMES).for_each(|_| row()));
        report::note(&format!("{name}_us"), time.as_micros() / TIMES as u128);
    }
}

fn batch(count: usize, size: usize) {
    drop((0..count).map(|_| Block::new(size)).collect::<Vec<_>>());
}

fn mixed() {
    let mut blocks: Vec<_> = (0..COUNT).map(|index| Block::new(16 << (index % 10))).collect();
    while blocks.pop().is_some() {}
}

fn realloc() {
    let mut block = Block::new(64);
    (1..=COUNT).for_each(|step| block.resize(64 * (step + 1)));
}

fn strings() {
    for index in 0..COUNT {
        let mut text = String::from("a string that is longer than what fits into its own words");
        text.push_str(" and grows");
        text.reserve(index % 512);
        black_box(&text);
    }
}

fn vectors() {
    for _ in 0..COUNT / 100 {
        let mut numbers = Vec::new();
        (0..1000).for_each(|number| numbers.push(black_box(number)));
        black_box(&numbers);
    }
}
