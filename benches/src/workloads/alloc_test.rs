//! Ignatchenko's test: a place is chosen at random; if it holds a block, that is freed, otherwise one is allocated.
//!
//! Sizes 8 to 1,024 bytes, each doubling as likely as the others; 1,000 to 1,000,000 places, half of them filled on
//! average; first and last byte are written.

use crate::block::Block;
use crate::random::Random;

const DOUBLINGS: (u32, u32) = (3, 10);

/// `places` places, `steps` steps.
pub fn run(places: usize, steps: usize) {
    let mut random = Random::new(places as u64);
    let mut blocks: Vec<Option<Block>> = Vec::new();
    blocks.resize_with(places, || None);
    for _ in 0..steps {
        let place = &mut blocks[random.below(places)];
        if place.take().is_none() {
            *place = Some(Block::new(random.log_uniform(DOUBLINGS.0, DOUBLINGS.1)));
        }
    }
}
