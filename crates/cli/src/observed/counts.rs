//! What was counted of some blocks.

use serde::Serialize;
use std::iter::Sum;
use std::ops::{Add, Sub};
use xalloc_observe::reader;

/// What was counted of the blocks of a thread, of a class, or of all. Sums wrap, because a segment may hold any numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Blocks that were allocated.
    pub allocations: u64,
    /// Blocks that were freed, also those of `remote_frees`.
    pub frees: u64,
    /// Blocks that another thread freed than the one from whose heap they were.
    pub remote_frees: u64,
    /// Bytes that were asked for.
    pub requested_bytes: u64,
    /// Usable bytes of the blocks that were allocated.
    pub allocated_bytes: u64,
    /// Usable bytes of the blocks that were freed.
    pub freed_bytes: u64,
}

impl Counts {
    /// Returns how many more blocks were allocated than freed.
    pub fn live_blocks(&self) -> i64 {
        self.allocations.wrapping_sub(self.frees) as i64
    }

    /// Returns how many more bytes were allocated than freed.
    pub fn live_bytes(&self) -> i64 {
        self.allocated_bytes.wrapping_sub(self.freed_bytes) as i64
    }

    /// Returns whether nothing was counted.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    fn combine(self, other: Self, by: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            allocations: by(self.allocations, other.allocations),
            frees: by(self.frees, other.frees),
            remote_frees: by(self.remote_frees, other.remote_frees),
            requested_bytes: by(self.requested_bytes, other.requested_bytes),
            allocated_bytes: by(self.allocated_bytes, other.allocated_bytes),
            freed_bytes: by(self.freed_bytes, other.freed_bytes),
        }
    }
}

impl From<reader::Counts> for Counts {
    fn from(counts: reader::Counts) -> Self {
        Self {
            allocations: counts.allocations,
            frees: counts.frees.wrapping_add(counts.remote_frees),
            remote_frees: counts.remote_frees,
            requested_bytes: counts.requested,
            allocated_bytes: counts.allocated,
            freed_bytes: counts.freed,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combine(other, u64::wrapping_add)
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.combine(other, u64::wrapping_sub)
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}

impl<'a> Sum<&'a Counts> for Counts {
    fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.copied().sum()
    }
}
