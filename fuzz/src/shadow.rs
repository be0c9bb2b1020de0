//! The blocks that live, by their addresses, and what is in them.

use std::collections::BTreeMap;

/// Blocks up to this size are filled with their pattern; of larger ones so much at both ends, and a byte of each page.
const FILLED: usize = 4096;

/// A block that lives.
#[derive(Clone, Copy)]
struct Block {
    usable: usize,
    /// Its pattern, which it keeps when it moves.
    pattern: u8,
}

/// All blocks that live.
#[derive(Default)]
pub struct Shadow {
    blocks: BTreeMap<usize, Block>,
    bytes: usize,
    patterns: u8,
}

impl Shadow {
    /// Adds a block that was handed out, with `usable` bytes: aligned as was asked, apart from all others. Fills it.
    pub fn add(&mut self, start: usize, usable: usize, align: usize) {
        self.patterns = self.patterns.wrapping_add(1);
        self.insert(start, usable, align, self.patterns);
    }

    fn insert(&mut self, start: usize, usable: usize, align: usize, pattern: u8) {
        assert!(start != 0 && start.is_multiple_of(align), "{start:#x} is not aligned to {align}");
        let before = self.blocks.range(..start).next_back();
        assert!(before.is_none_or(|(other, block)| other + block.usable <= start), "{start:#x} lies in another block");
        let behind = self.blocks.range(start..).next();
        assert!(
            behind.is_none_or(|(&other, _)| start + usable <= other),
            "{start:#x} + {usable} reaches into another block"
        );
        let block = Block { usable, pattern };
        for offset in block.offsets() {
            // SAFETY: inside a block that was handed out.
            unsafe { ((start + offset) as *mut u8).write(block.byte(offset)) };
        }
        self.blocks.insert(start, block);
        self.bytes += usable;
    }

    /// Removes the block at `start`, which must have kept its contents, and is to be freed. Returns its usable size.
    pub fn remove(&mut self, start: usize) -> usize {
        let block = self.blocks.remove(&start).expect("a block that lives");
        block.check(start, block.usable);
        self.bytes -= block.usable;
        block.usable
    }

    /// Notes that the block at `old` was resized to `size`: it is the one at `new` now, with `usable` bytes and the contents of
    /// the old one, as far as those are in `size` bytes.
    pub fn resize(&mut self, old: usize, size: usize, (new, usable): (usize, usize), align: usize) {
        let block = self.blocks.remove(&old).expect("a block that lives");
        self.bytes -= block.usable;
        block.check(new, block.usable.min(size));
        self.insert(new, usable, align, block.pattern);
    }

    /// Checks the contents of all blocks.
    pub fn check_all(&self) {
        self.blocks.iter().for_each(|(&start, block)| block.check(start, block.usable));
    }

    /// Returns one of the blocks, if there is any: where it starts.
    pub fn pick(&self, which: u16) -> Option<usize> {
        let count = self.blocks.len();
        self.blocks.keys().nth((which as usize) % count.max(1)).copied()
    }

    /// Returns where all blocks start.
    pub fn starts(&self) -> Vec<usize> {
        self.blocks.keys().copied().collect()
    }

    /// Returns the usable size of the block at `start`.
    pub fn usable(&self, start: usize) -> usize {
        self.blocks[&start].usable
    }

    /// Returns whether a block starts at `start`.
    pub fn has(&self, start: usize) -> bool {
        self.blocks.contains_key(&start)
    }

    /// Returns how many bytes all blocks have together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many blocks there are.
    pub fn count(&self) -> usize {
        self.blocks.len()
    }
}

impl Block {
    /// The offsets that have the pattern.
    fn offsets(self) -> impl Iterator<Item = usize> {
        let head = self.usable.min(FILLED);
        let tail = self.usable.saturating_sub(FILLED).max(head);
        (0..head).chain((head..tail).step_by(FILLED)).chain(tail..self.usable)
    }

    fn byte(self, offset: usize) -> u8 {
        self.pattern.wrapping_mul(31).wrapping_add((offset / 7) as u8)
    }

    /// Checks the first `most` bytes.
    fn check(self, start: usize, most: usize) {
        for offset in self.offsets().filter(|&offset| offset < most) {
            // SAFETY: inside a block that lives.
            let found = unsafe { ((start + offset) as *const u8).read() };
            assert_eq!(
                found,
                self.byte(offset),
                "offset {offset} of the block at {start:#x} with {} bytes",
                self.usable
            );
        }
    }
}
