//! Free blocks and the lists that they are chained in, through their own first two words.
//!
//! The first word is the link to the next block, the second a check word, made of the link, the block's own address and a
//! secret of the process. So a block tells three things at the price of a few instructions:
//!
//! * It was written to after it was freed: the two words do not fit together any more. Nobody follows such a link.
//! * It may be free already: the highest byte of the check word is `MARK`. It is cleared when the block is handed out, so a
//!   block in use looks free only if the program wrote that byte there.
//! * Whoever overwrites a link must know the secret to make another one that is followed.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicUsize, Ordering};

/// The highest byte of every check word. Rare in what programs store: in no UTF-8 text, no address, no small number, and in a
/// `double` only beyond 10^280.
const MARK: u8 = 0xfb;
const MARK_SHIFT: u32 = usize::BITS - 8;
const BELOW_MARK: usize = (1 << MARK_SHIFT) - 1;

/// A free block: its first two words. Written only while the program does not hold the block.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Block {
    link: usize,
    check: usize,
}

/// A block's two words do not fit together: somebody wrote to it after it was freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overwritten;

/// What links are encoded with: a secret of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(usize);

impl Key {
    /// Returns the key made of `secret`, whose highest byte is not used.
    pub const fn new(secret: usize) -> Self {
        Self(secret & BELOW_MARK | (MARK as usize) << MARK_SHIFT)
    }

    /// Returns the check word of `block` with this first word. The sum of two addresses stays below the mark.
    #[inline(always)]
    fn check(self, block: *const Block, link: usize) -> usize {
        link.wrapping_add(block as usize) ^ self.0
    }

    /// Returns the check word of a block with a word of the caller's in it. It differs from that of a link, so that neither is
    /// taken for the other. The word is folded to the width of an address: the sum stays below the mark.
    fn check_of_word(self, block: *const Block, word: usize) -> usize {
        const ADDRESS_BITS: u32 = 48;
        const NO_LINK: usize = 0x5bd1_e995;
        self.check(block, (word & ((1 << ADDRESS_BITS) - 1)) ^ word >> ADDRESS_BITS) ^ NO_LINK
    }
}

/// The key of a heap, set before anything is encoded with it. It has a cache line of its own: every hit path reads it, and what
/// stands beside it in a heap is written by slow paths of all threads.
#[repr(align(64))]
pub struct KeyCell(UnsafeCell<Key>);

// SAFETY: written before any other thread uses the heap, which start-up orders.
unsafe impl Sync for KeyCell {}

impl KeyCell {
    /// Returns a cell with `key`, until another one is set.
    pub const fn new(key: Key) -> Self {
        Self(UnsafeCell::new(key))
    }

    /// Sets the key.
    ///
    /// # Safety
    /// No block was encoded yet, and no other thread uses the heap.
    pub unsafe fn set(&self, key: Key) {
        // SAFETY: the caller's: nobody reads at the moment.
        unsafe { *self.0.get() = key };
    }

    /// Returns the key. A plain read, which the compiler may fold into other instructions.
    #[inline(always)]
    pub fn get(&self) -> Key {
        // SAFETY: nobody writes once threads use the heap: see `set`.
        unsafe { *self.0.get() }
    }
}

impl Block {
    /// Makes `next` the one behind `block`.
    ///
    /// # Safety
    /// The block is free, and the caller's.
    #[inline(always)]
    pub unsafe fn set_next(block: *mut Self, next: *mut Self, key: Key) {
        // SAFETY: the caller's: a free block of its own.
        unsafe { Self::write(block, next as usize, key.check(block, next as usize)) };
    }

    #[inline(always)]
    unsafe fn write(block: *mut Self, link: usize, check: usize) {
        // Relaxed, both: who looks for a block reads them meanwhile, and sees whether they fit together.
        // SAFETY: the callers': every block has two words, the smallest is 16 bytes, and nobody else writes to it.
        unsafe {
            AtomicUsize::from_ptr(&raw mut (*block).link).store(link, Ordering::Relaxed);
            AtomicUsize::from_ptr(&raw mut (*block).check).store(check, Ordering::Relaxed);
        }
    }

    /// Returns the block behind `block`, null if it is the last.
    ///
    /// # Errors
    /// [`Overwritten`]: then nothing is known of what was behind it.
    ///
    /// # Safety
    /// The block is free, and the caller's.
    #[inline(always)]
    pub unsafe fn next(block: *mut Self, key: Key) -> Result<*mut Self, Overwritten> {
        // SAFETY: a free block of the caller's can be read.
        let Self { link, check } = unsafe { block.read() };
        if check == key.check(block, link) { Ok(link as *mut Self) } else { Err(Overwritten) }
    }

    /// Clears the mark of a block that is handed out: it does not look free any more.
    ///
    /// # Safety
    /// The block was free, is in no list, and the caller's.
    #[inline(always)]
    pub unsafe fn hand_out(block: *mut Self) {
        // Relaxed: as in `write`.
        // SAFETY: nobody else writes to a block that is in no list and not handed out yet.
        unsafe { AtomicUsize::from_ptr(&raw mut (*block).check).store(0, Ordering::Relaxed) };
    }

    /// Returns whether a block that is about to be freed may be free already: one in 256 if the program wrote random bytes
    /// there. [`Block::is_encoded`] says it better.
    ///
    /// # Safety
    /// There is a block of ours at this address, in use or free.
    #[inline(always)]
    pub unsafe fn looks_free(block: *const Self) -> bool {
        const { assert!(cfg!(target_endian = "little")) };
        // SAFETY: the last byte of the block's second word; all memory of blocks can be read.
        unsafe { block.cast::<u8>().add(size_of::<Self>() - 1).read() == MARK }
    }

    /// Returns whether the block's words are those of a free one. A program may also have copied them while it was free, and
    /// put them back.
    ///
    /// # Safety
    /// As for [`Block::looks_free`].
    pub unsafe fn is_encoded(block: *const Self, key: Key) -> bool {
        // SAFETY: the caller's: a block of ours can be read.
        let (link, check) = unsafe { Self::peek(block) };
        check == key.check(block, link) || check == key.check_of_word(block, link)
    }

    /// Returns the block behind one that another thread may be changing at the moment; `None` if its words do not fit together.
    ///
    /// # Safety
    /// There is memory of ours at this address that can be read.
    pub unsafe fn peek_next(block: *const Self, key: Key) -> Option<*mut Self> {
        // SAFETY: memory of ours that can be read.
        let (link, check) = unsafe { Self::peek(block) };
        (check == key.check(block, link)).then_some(link as *mut Self)
    }

    /// Returns the word that [`Block::set_word`] stored in a block; `None` if its words do not fit together. Another thread may
    /// be changing it at the moment.
    ///
    /// # Safety
    /// As for [`Block::peek_next`].
    pub unsafe fn peek_word(block: *const Self, key: Key) -> Option<usize> {
        // SAFETY: memory of ours that can be read.
        let (word, check) = unsafe { Self::peek(block) };
        (check == key.check_of_word(block, word)).then_some(word)
    }

    unsafe fn peek(block: *const Self) -> (usize, usize) {
        // Relaxed, both: what another thread changes in between makes words that do not fit together.
        // SAFETY: the callers': memory that can be read; blocks are aligned to 16.
        let [link, check] = unsafe {
            [&raw const (*block).link, &raw const (*block).check]
                .map(|word| AtomicUsize::from_ptr(word.cast_mut()).load(Ordering::Relaxed))
        };
        (link, check)
    }

    /// Stores a word of the caller's in a free block instead of a link, under the same protection.
    ///
    /// # Safety
    /// As for [`Block::set_next`].
    pub unsafe fn set_word(block: *mut Self, word: usize, key: Key) {
        // SAFETY: as in `set_next`.
        unsafe { Self::write(block, word, key.check_of_word(block, word)) };
    }
}

/// Blocks chained through their links, which end with null.
#[derive(Clone, Copy)]
pub struct List {
    /// The first block.
    pub head: *mut Block,
    /// The number of blocks.
    pub count: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also at the end of the address space, where processes without randomised addresses and those of other kernels live.
    #[test]
    fn free_blocks_look_free_whatever_is_in_them() {
        let mut memory = [Block { link: 0, check: 0 }; 4];
        let key = Key::new(0x1234_5678_9abc_def0);
        for block in memory.iter_mut().map(core::ptr::from_mut) {
            for word in [0, 16, 0x7fff_ffff_fff0, 0xffff_ffff_fff0, usize::MAX, 0x7fff_ffff_fff0 << 14 | 77] {
                // SAFETY: this test's own memory.
                unsafe {
                    Block::set_word(block, word, key);
                    assert!(Block::looks_free(block) && Block::is_encoded(block, key));
                    assert_eq!(Block::peek_word(block, key), Some(word));
                    assert_eq!((Block::peek_next(block, key), Block::next(block, key)), (None, Err(Overwritten)));
                    let next = (word & 0xffff_ffff_fff0) as *mut Block;
                    Block::set_next(block, next, key);
                    assert!(Block::looks_free(block) && Block::is_encoded(block, key));
                    assert_eq!((Block::peek_next(block, key), Block::next(block, key)), (Some(next), Ok(next)));
                    assert_eq!(Block::peek_word(block, key), None);
                    Block::hand_out(block);
                    assert!(!Block::looks_free(block));
                }
            }
        }
        // The highest addresses of all, of which there is no memory here.
        for address in [0x7fff_ffff_f000_usize, 0xffff_ffff_f000] {
            let block = address as *const Block;
            for word in [0x7fff_ffff_fff0, 0xffff_ffff_fff0, usize::MAX] {
                assert_eq!(key.check_of_word(block, word) >> MARK_SHIFT, MARK as usize);
                assert_eq!(key.check(block, word & 0xffff_ffff_fff0) >> MARK_SHIFT, MARK as usize);
            }
        }
    }
}
