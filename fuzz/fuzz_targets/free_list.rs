//! Free blocks and their links: the links that were made are the ones that are found, and what a program wrote is noticed.
#![no_main]

use arbitrary::Arbitrary;
use std::ptr::null_mut;
use xalloc_blocks::free_list::{Block, Overwritten};
use xalloc_fuzz::slabs::KEY;

const BLOCKS: usize = 32;

#[derive(Arbitrary, Debug)]
enum Operation {
    /// Makes the second block the one behind the first; none, if they are the same.
    Link(u8, u8),
    Word(u8, usize),
    HandOut(u8),
    /// A program writes to a byte of a block, whether it holds it or not.
    Write(u8, u8, u8),
}

/// What the heap wrote to a block last.
#[derive(Clone, Copy)]
enum Written {
    Link(usize),
    Word(usize),
    /// Nothing that a free block has.
    Data,
}

libfuzzer_sys::fuzz_target!(|operations: Vec<Operation>| {
    let mut memory = Box::new([[0_u128; 4]; BLOCKS]);
    let blocks = memory.each_mut().map(|block| block.as_mut_ptr().cast::<Block>());
    let mut written = [(Written::Data, [0; 2]); BLOCKS];
    for operation in operations {
        let at = |number: u8| number as usize % BLOCKS;
        // SAFETY: blocks of this target's own, of which one operation at a time knows.
        let (number, now) = unsafe {
            match operation {
                Operation::Link(block, next) => {
                    let next = if at(block) == at(next) { null_mut() } else { blocks[at(next)] };
                    Block::set_next(blocks[at(block)], next, KEY);
                    (at(block), Some(Written::Link(next as usize)))
                }
                Operation::Word(block, word) => {
                    Block::set_word(blocks[at(block)], word, KEY);
                    (at(block), Some(Written::Word(word)))
                }
                Operation::HandOut(block) => {
                    Block::hand_out(blocks[at(block)]);
                    (at(block), Some(Written::Data))
                }
                Operation::Write(block, offset, value) => {
                    blocks[at(block)].cast::<u8>().add(offset as usize % 16).write(value);
                    (at(block), None)
                }
            }
        };
        if let Some(now) = now {
            written[number] = (now, words(blocks[number]));
        }
        (0..BLOCKS).for_each(|number| check(blocks[number], written[number]));
    }
});

fn words(block: *mut Block) -> [usize; 2] {
    // SAFETY: a block of this target's own.
    unsafe { block.cast::<[usize; 2]>().read() }
}

fn check(block: *mut Block, (written, before): (Written, [usize; 2])) {
    // SAFETY: a block of this target's own.
    let (next, word, is_free) =
        unsafe { (Block::next(block, KEY), Block::peek_word(block, KEY), Block::is_encoded(block, KEY)) };
    // SAFETY: as above.
    assert_eq!(unsafe { Block::peek_next(block, KEY) }, next.ok());
    assert_eq!(is_free, next.is_ok() || word.is_some());
    // SAFETY: as above.
    assert!(!is_free || unsafe { Block::looks_free(block) });
    match (written, changed(before, words(block))) {
        (Written::Link(to), 0) => assert_eq!((next, word), (Ok(to as *mut Block), None)),
        (Written::Word(said), 0) => assert_eq!((next, word), (Err(Overwritten), Some(said))),
        // A write to one byte is always noticed. Several bytes can fit again: one in 2^48 if they are random, and those who choose
        // them know how.
        (Written::Data, 0) | (Written::Link(_) | Written::Word(_), 1) => assert!(!is_free),
        _ => {}
    }
}

/// Returns how many bytes are not what they were.
fn changed(before: [usize; 2], now: [usize; 2]) -> usize {
    let bytes = |words: [usize; 2]| words.into_iter().flat_map(usize::to_ne_bytes);
    bytes(before).zip(bytes(now)).filter(|(before, now)| before != now).count()
}
