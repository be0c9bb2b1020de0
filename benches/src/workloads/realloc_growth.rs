//! Buffers that grow.
//!
//! *realloc-small*: 64 buffers in turn, each from 16 bytes to 256 KiB by a quarter at a time, 200 times over: strings and
//! vectors. *realloc-huge*: one buffer from 1 MiB to 1 GiB by a quarter at a time, a byte of each new page written.

use crate::block::Block;

const BUFFERS: usize = 64;
const TIMES: usize = 200;
const SMALL: (usize, usize) = (16, 256 << 10);
const HUGE: (usize, usize) = (1 << 20, 1 << 30);

/// The sizes from `first` to `last`, each a quarter larger than the one before.
fn sizes((first, last): (usize, usize)) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(first), move |&size| (size < last).then(|| (size + size / 4).min(last)))
}

pub fn small() {
    for _ in 0..TIMES {
        let mut buffers: Vec<_> = (0..BUFFERS).map(|_| Block::new(SMALL.0)).collect();
        for size in sizes(SMALL) {
            buffers.iter_mut().for_each(|buffer| buffer.resize(size));
        }
    }
}

pub fn huge() {
    let mut buffer = Block::new(HUGE.0);
    let mut touched = 0;
    for size in sizes(HUGE) {
        buffer.resize(size);
        // SAFETY: the buffer has just this size.
        unsafe { buffer.touch_pages(touched, size) };
        touched = size;
    }
}
