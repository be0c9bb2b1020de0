//! A heap of twelve powers of two: metamalloc's `SimpleHeapPow2` under its `ScalableAllocator`, without their limits.
//!
//! It is what [`scalable`](crate::scalable) makes of this table: coarse classes, which waste up to half of a block, but few of
//! them, so that a program with many sizes needs few slabs.

use crate::scalable::{Central, ClassHeap, OsLock, Scalable, SingleThread, SizeClasses, ThreadLocal};
use xalloc_blocks::size_class::{self, Class};

/// The powers of two from 16 bytes to 32 KiB.
pub struct Sizes;

impl Sizes {
    /// The number of classes and one: a table's length.
    pub const N: usize = 13;
}

const SIZES: [usize; Sizes::N - 1] = {
    let mut sizes = [0; Sizes::N - 1];
    let mut class = 0;
    while class < sizes.len() {
        sizes[class] = 16 << class;
        class += 1;
    }
    sizes
};
const TABLES: [[Class; Sizes::N]; 2] =
    [crate::scalable::classes::table(&SIZES, false), crate::scalable::classes::table(&SIZES, true)];
static STATIC_TABLES: [[Class; Sizes::N]; 2] = TABLES;

const _: () = {
    size_class::prove(&TABLES[0], 16, 2);
    size_class::prove(&TABLES[1], 16, 2);
};

impl SizeClasses<{ Sizes::N }> for Sizes {
    const MAX: usize = 32 << 10;

    fn table(large: bool) -> &'static [Class; Sizes::N] {
        &STATIC_TABLES[large as usize]
    }

    /// The position of the highest bit: two instructions, and no table that a program's sizes would keep in the cache.
    #[inline(always)]
    fn class_of(size: usize) -> usize {
        // The 15 makes all sizes up to 16 one class, 0 too.
        (size.saturating_sub(1) | 15).ilog2() as usize - 2
    }
}

/// The slabs of these sizes, under a policy.
pub type Of<P> = ClassHeap<{ Sizes::N }, Sizes, P>;
/// The heap for all threads.
pub type Pow2 = Scalable<Of<Central<OsLock>>, Of<ThreadLocal>>;
/// The heap for one thread.
pub type LocalPow2 = Of<SingleThread>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_block_that_holds_it() {
        let table = Sizes::table(false);
        for size in 0..=Sizes::MAX {
            let class = Sizes::class_of(size);
            assert!(table[class].size as usize >= size, "{size}");
            assert!(class == 1 || (table[class - 1].size as usize) < size, "{size}");
        }
    }
}
