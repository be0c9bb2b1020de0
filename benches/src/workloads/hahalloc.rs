//! Hahalloc's five benchmarks, after their published description, with fewer steps so that a run takes about a second
//! and not many minutes.
//!
//! *single*: one block at a time, of every size from 1 to 2^31 by 1 % (2,165 sizes), allocated and freed 256 times (the
//! original: 32,768). *calloc*: sizes by 20 % to 2^30, 4 times (64). *fixed*: 1, 3, … 499 places, 8,192 steps each
//! (1,048,576): a random place, if it is empty, gets 1 MiB, otherwise loses it. *random*: the same with 0 to 127 bytes
//! shifted by 0 to 19. *realloc*: for every 100th `i` below 2,000 a block of `i`, `2i`, … `19,999i` bytes (every `i`).

use crate::block::Block;
use crate::random::Random;

pub fn single() {
    for size in sizes(1.01, 1 << 31) {
        (0..256).for_each(|_| drop(Block::untouched(size)));
    }
}

pub fn calloc() {
    for size in sizes(1.2, 1 << 30) {
        (0..4).for_each(|_| drop(Block::zeroed(size)));
    }
}

/// From 1 up to `last`, each `factor` times the one before; like the original, equal ones are repeated.
fn sizes(factor: f64, last: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1.0), move |size| Some(size * factor))
        .map(|size: f64| size as usize)
        .take_while(move |&size| size < last)
}

pub fn fixed() {
    places(|_| 1 << 20);
}

pub fn random() {
    places(|random| random.below(128) << random.below(20));
}

fn places(size: impl Fn(&mut Random) -> usize) {
    for count in (1..500).step_by(2) {
        let mut random = Random::new(4_949_492);
        let mut blocks: Vec<Option<Block>> = (0..count).map(|_| None).collect();
        for _ in 0..8192 {
            let place = &mut blocks[random.below(count)];
            if place.take().is_none() {
                *place = Some(Block::untouched(size(&mut random)));
            }
        }
    }
}

pub fn realloc() {
    for step in (1..2000).step_by(100) {
        let mut block = Block::untouched(1);
        (1..20_000).for_each(|times| block.resize(step * times));
    }
}
