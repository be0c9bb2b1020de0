//! Large blocks: 20 buffers of 5 to 25 MiB, replaced at random 4,000 times, one byte written in each of the first 64
//! pages: what a program does that reads files into buffers larger than most of the files.

use crate::block::Block;
use crate::random::Random;

const BUFFERS: usize = 20;
const REPLACEMENTS: usize = 4000;
const SIZES: (usize, usize) = (5 << 20, 25 << 20);
const TOUCHED: usize = 64 * 4096;

pub fn run() {
    let mut random = Random::new(0);
    let mut buffers: Vec<Option<Block>> = (0..BUFFERS).map(|_| None).collect();
    for _ in 0..REPLACEMENTS {
        let buffer = &mut buffers[random.below(BUFFERS)];
        *buffer = None;
        let mut block = Block::untouched(random.between(SIZES.0, SIZES.1));
        // SAFETY: every buffer is larger.
        unsafe { block.touch_pages(0, TOUCHED) };
        *buffer = Some(block);
    }
}
