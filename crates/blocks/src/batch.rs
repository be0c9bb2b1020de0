//! A remote batch: freed blocks of one slab on their way to the slab's owner.

use crate::free_list::{Block, Key};
use crate::slab::Slab;

/// A chain of blocks of one slab. It lies in its own last block, so that the owner can splice the whole chain without walking
/// it: the word that would be that block's link says where the chain begins, how long it is, and where the next batch of the
/// stack is. The check word protects it as it does a link.
#[repr(transparent)]
pub struct Batch(Block);

/// The word: the number of blocks less 1, the first block's index in the slab, and the stack's link, of which the lowest four
/// bits are 0 and those from 48 on as well.
const COUNT_BITS: u32 = 6;
const INDEX_BITS: u32 = 12;
const LINK_SHIFT: u32 = COUNT_BITS + INDEX_BITS;
const ALIGN_SHIFT: u32 = 4;

/// The most blocks of a batch.
pub const MOST: usize = 1 << COUNT_BITS;

const _: () = assert!(crate::page_map::SLICE / 16 <= 1 << INDEX_BITS && 48 - ALIGN_SHIFT + LINK_SHIFT <= usize::BITS);

/// The contents of a batch: what its word encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The next batch of the stack.
    pub link: *mut Batch,
    /// The index of the chain's first block in the slab.
    first: usize,
    /// The number of blocks.
    pub count: usize,
}

impl Contents {
    fn word(self) -> usize {
        (self.link as usize >> ALIGN_SHIFT) << LINK_SHIFT | self.first << COUNT_BITS | (self.count - 1)
    }

    fn of_word(word: usize) -> Self {
        Self {
            link: (word >> LINK_SHIFT << ALIGN_SHIFT) as *mut Batch,
            first: word >> COUNT_BITS & ((1 << INDEX_BITS) - 1),
            count: (word & (MOST - 1)) + 1,
        }
    }

    /// Returns these contents with a link to the next batch of the stack.
    pub fn linked_to(self, link: *mut Batch) -> Self {
        Self { link, ..self }
    }

    /// Returns the chain's first block. It ends at the batch itself.
    pub fn first(self, slab: &Slab) -> *mut Block {
        (slab.start() + self.first * slab.shape().size as usize) as *mut Block
    }
}

impl Batch {
    /// Returns the contents of a batch of the `count` blocks from `head` on, without a link. They are the slab's, and at most
    /// [`MOST`].
    pub fn of_chain(slab: &Slab, head: *mut Block, count: usize) -> Contents {
        debug_assert!((1..=MOST).contains(&count), "the word has no room for {count} blocks");
        let first = (head as usize - slab.start()) / slab.shape().size as usize;
        Contents { link: core::ptr::null_mut(), first, count }
    }

    /// Writes the batch into its chain's last block.
    ///
    /// # Safety
    /// The block is free, and the caller's.
    pub unsafe fn write(this: *mut Self, contents: Contents, key: Key) {
        // SAFETY: a free block, which nobody else has.
        unsafe { Block::set_word(this.cast(), contents.word(), key) };
    }

    /// Returns the contents of the batch; `None` if it was written to. Another thread may be changing it at the moment.
    ///
    /// # Safety
    /// There is memory of ours at this address that can be read.
    pub unsafe fn contents(this: *const Self, key: Key) -> Option<Contents> {
        // SAFETY: memory of ours that can be read, and a block's alignment.
        unsafe { Block::peek_word(this.cast(), key) }.map(Contents::of_word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_what_was_put_in() {
        for link in [0_usize, 16, 0x7fff_ffff_fff0, 0xffff_ffff_fff0] {
            for (first, count) in [(0, 1), (4095, MOST), (17, 3)] {
                let contents = Contents { link: link as *mut Batch, first, count };
                assert_eq!(Contents::of_word(contents.word()), contents);
            }
        }
    }
}
