//! Recycling policies: what becomes of slabs of which no block is used any more.

/// When free slabs go back to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recycling {
    /// At once, but for so many slabs of each class.
    Immediate {
        /// How many slabs of a class stay.
        threshold: usize,
    },
    /// Not before the program asks for it, by `xalloc_recycle` or `malloc_trim`.
    Deferred,
    /// When they have not been used for a while.
    Decay {
        /// After how many milliseconds they are released, at the latest; not before half of them.
        milliseconds: u64,
    },
}

impl Recycling {
    /// Returns how many slabs of a class may stay although no block of them is used. The others are free for all classes, with
    /// their pages, until these are purged.
    pub const fn keep(self) -> usize {
        match self {
            Self::Immediate { threshold } => threshold,
            Self::Deferred | Self::Decay { .. } => 1,
        }
    }

    /// Returns for how many milliseconds what is free stays at most.
    pub const fn milliseconds(self) -> u64 {
        match self {
            Self::Immediate { .. } => 0,
            Self::Deferred => u64::MAX,
            Self::Decay { milliseconds } => milliseconds,
        }
    }
}
