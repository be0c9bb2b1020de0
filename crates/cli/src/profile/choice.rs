//! What of a profile is shown.

use clap::ValueEnum;
use xalloc_profile::Figure;

/// What rows are sorted by.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Sort {
    /// Bytes that are live
    Live,
    /// Objects that are live
    Objects,
    /// Bytes that were allocated since the start, freed or not
    Allocated,
    /// Objects that were allocated since the start, freed or not
    Allocations,
}

impl Sort {
    /// Returns the number that counts.
    pub fn figure(self) -> Figure {
        match self {
            Self::Live => Figure::LiveBytes,
            Self::Objects => Figure::LiveObjects,
            Self::Allocated => Figure::AllocatedBytes,
            Self::Allocations => Figure::AllocatedObjects,
        }
    }
}

/// What a row is.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum By {
    /// A function
    Function,
    /// A line of a source file
    Line,
    /// A library, or the program itself
    Library,
    /// A stack, with all its functions
    Stack,
}

/// What is shown.
pub struct Choice {
    /// What a row is.
    pub by: By,
    /// What counts.
    pub figure: Figure,
    /// The number of rows; 0 is all.
    pub top: usize,
    /// Whether it is a difference.
    pub is_change: bool,
}
