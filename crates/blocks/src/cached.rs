//! How much is cached, for statistics.

use crate::size_class::Class;
use core::iter::Sum;

/// Free blocks that are cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// How many.
    pub blocks: usize,
    /// Their bytes.
    pub bytes: usize,
}

impl Cached {
    /// Returns so many blocks of a class.
    pub fn of(class: &Class, blocks: usize) -> Self {
        Self { blocks, bytes: blocks * class.size as usize }
    }
}

impl Sum for Cached {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, more| Self { blocks: sum.blocks + more.blocks, bytes: sum.bytes + more.bytes })
    }
}
