//! The sizes of small blocks: two to each doubling, so that no more than a third of a block is lost to rounding.

use xalloc_blocks::size_class::{self, Class};

const SIZES: [usize; 22] = [
    16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 24576,
    32768,
];
/// The length of the table. Index 0 is no class.
pub const CLASSES: usize = SIZES.len() + 1;
/// The largest size that has a class.
pub const MAX: usize = SIZES[SIZES.len() - 1];

/// The classes, by number.
pub static TABLE: [Class; CLASSES] = CONSTANT;
const CONSTANT: [Class; CLASSES] = size_class::table(&SIZES, false);
/// For each number of 16 bytes, the class of the smallest block that holds so many.
static CLASS_OF: [u8; MAX / 16 + 1] = size_class::lookup(&SIZES);

// Does not compile if the sizes have a hole: from 33 bytes on, at most a third of a block may be lost.
const _: () = size_class::prove(&CONSTANT, 33, 3);

/// Returns the class of the smallest block that holds `size` bytes, which are at most [`MAX`].
#[inline(always)]
pub fn class_of(size: usize) -> usize {
    CLASS_OF[size.div_ceil(16)] as usize
}
