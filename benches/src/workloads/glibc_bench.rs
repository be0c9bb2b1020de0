//! The two benchmarks of glibc's own malloc.
//!
//! *glibc-simple*: for each size from 16 to 4,096, doubling, and for 25, 100, 400 and 1,600 blocks: allocates them all,
//! frees them all in order; 1,000,000 pairs each. *glibc-thread*: each thread frees and refills a random place of 1,024
//! with sizes from 4 to 32,768, a size's likelihood falling with its square; 60,000,000 times in all.

use crate::block::Block;
use crate::random::Random;
use crate::threads;

const SIMPLE_PAIRS: usize = 1_000_000;
const PLACES: usize = 1024;
const THREAD_PAIRS: usize = 60_000_000;
const SIZES: (f64, f64) = (4.0, 32_768.0);

pub fn simple() {
    let mut blocks = Vec::with_capacity(1600);
    for size in (4..=12).map(|doubling| 1 << doubling) {
        for count in [25, 100, 400, 1600] {
            for _ in 0..SIMPLE_PAIRS / count {
                blocks.extend((0..count).map(|_| Block::new(size)));
                blocks.clear();
            }
        }
    }
}

pub fn thread() {
    let count = threads::count();
    threads::run(count, |number| {
        let mut random = Random::new(number as u64);
        let mut blocks: Vec<Option<Block>> = (0..PLACES).map(|_| None).collect();
        let sizes: Vec<usize> = (0..PLACES).map(|_| size(&mut random)).collect();
        for _ in 0..THREAD_PAIRS / count {
            let next = random.next() as usize;
            blocks[next % PLACES] = None;
            blocks[next % PLACES] = Some(Block::new(sizes[next / PLACES % PLACES]));
        }
    });
}

/// A size whose likelihood falls with its square.
fn size(random: &mut Random) -> usize {
    let part = f64::from(random.next()) / f64::from(u32::MAX);
    (1.0 / (1.0 / SIZES.0 - part * (1.0 / SIZES.0 - 1.0 / SIZES.1))) as usize
}
