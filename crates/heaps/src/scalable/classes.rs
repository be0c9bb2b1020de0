//! A program's own size classes: any sizes, proved when the heap is compiled.

use xalloc_blocks::page_map::SLICE;
use xalloc_blocks::size_class::MANY_SLICES;

// What the macro names.
#[doc(hidden)]
pub use xalloc_blocks::size_class::{Class, prove};

/// No slab has more blocks: a batch of remote frees names its first block in 12 bits.
const MOST_BLOCKS: usize = 4096;
/// Blocks up to this size come from slabs of one slice; larger ones, which would fill it with too few, from slabs of eight.
const ONE_SLICE_MAX: usize = 4 << 10;

/// The size classes of a heap, from 1 to `N` - 1: what [`size_classes!`](crate::size_classes) makes of a list of sizes.
pub trait SizeClasses<const N: usize>: Sync + 'static {
    /// The largest size that has a class, in bytes.
    const MAX: usize;

    /// Returns the table with slabs of 64 KiB, as far as they hold enough blocks, or (`large`) with slabs of 512 KiB, as far as they do
    /// not hold too many. Index 0 is no class.
    fn table(large: bool) -> &'static [Class; N];

    /// Returns the class of the smallest block that holds `size` bytes, which are at most [`SizeClasses::MAX`].
    fn class_of(size: usize) -> usize;
}

/// Returns the table for these sizes. Fails to compile in a constant, and panics elsewhere, for a size that is no multiple of 16 or
/// above 32 KiB.
pub const fn table<const N: usize>(sizes: &[usize], large: bool) -> [Class; N] {
    assert!(sizes.len() + 1 == N, "a class for each size, and none at index 0");
    let mut table = [Class::NONE; N];
    let mut class = 1;
    while class < N {
        let size = sizes[class - 1];
        let many = if large { MANY_SLICES * SLICE / size <= MOST_BLOCKS } else { size > ONE_SLICE_MAX };
        table[class] = Class::new(class, size, if many { MANY_SLICES } else { 1 });
        class += 1;
    }
    table
}

/// Returns, for each number of 16 bytes, the class of the smallest block that holds so many.
pub const fn lookup<const LENGTH: usize>(sizes: &[usize]) -> [u8; LENGTH] {
    assert!(sizes.len() < 128, "127 classes fit behind the TLS word");
    let mut lookup = [0; LENGTH];
    let (mut units, mut class) = (0, 0);
    while units < LENGTH {
        if units * 16 > sizes[class] {
            class += 1;
        }
        lookup[units] = class as u8 + 1;
        units += 1;
    }
    lookup
}

/// Makes a type that is a list of size classes: `size_classes! { /// Doc. pub Sizes: [16, 48, 1024]; waste 1 / 2 }`.
///
/// The sizes grow, are multiples of 16, and at most 32 KiB; what is larger than the last one is served in whole pages. No request above
/// the first size gets a block of which a larger part than `waste` is not asked for: that is proved, and a list with too large a step
/// does not compile:
///
/// ```compile_fail,E0080
/// xalloc_heaps::size_classes! { pub Holed: [16, 32, 4096]; waste 1 / 2 }
/// ```
///
/// With the step filled, it does:
///
/// ```
/// xalloc_heaps::size_classes! { pub Whole: [16, 32, 64, 128, 256, 512, 1024, 2048, 4096]; waste 1 / 2 }
/// ```
#[macro_export]
macro_rules! size_classes {
    ($(#[$attribute:meta])* $visibility:vis $name:ident: [$($size:expr),+ $(,)?]; waste 1 / $waste:literal) => {
        $(#[$attribute])*
        $visibility struct $name;

        impl $name {
            const SIZES: &'static [usize] = &[$($size),+];
            /// The number of classes and one: a table's length.
            pub const N: usize = Self::SIZES.len() + 1;
        }

        const _: () = {
            use $crate::scalable::classes;
            const MAX: usize = $name::SIZES[$name::N - 2];
            static TABLES: [[classes::Class; $name::N]; 2] = CONSTANT;
            const CONSTANT: [[classes::Class; $name::N]; 2] =
                [classes::table($name::SIZES, false), classes::table($name::SIZES, true)];
            const PROVED: () = {
                classes::prove(&CONSTANT[0], $name::SIZES[0], $waste);
                classes::prove(&CONSTANT[1], $name::SIZES[0], $waste);
            };
            static LOOKUP: [u8; MAX.div_ceil(16) + 1] = classes::lookup($name::SIZES);

            impl $crate::scalable::SizeClasses<{ $name::N }> for $name {
                const MAX: usize = {
                    let () = PROVED;
                    MAX
                };

                fn table(large: bool) -> &'static [classes::Class; $name::N] {
                    &TABLES[large as usize]
                }

                #[inline(always)]
                fn class_of(size: usize) -> usize {
                    LOOKUP[size.div_ceil(16)] as usize
                }
            }
        };
    };
}

/// Returns the class of the smallest block that holds `size` bytes aligned to `align`, if a slab has one. Slabs start at multiples of
/// 64 KiB, so a block is aligned when its size is a multiple of the alignment.
pub(super) fn class_of_aligned<const N: usize, T: SizeClasses<N>>(align: usize, size: usize) -> Option<usize> {
    let size = size.max(1).checked_next_multiple_of(align)?;
    if size > T::MAX {
        return None;
    }
    (T::class_of(size)..N).find(|&class| (T::table(false)[class].size as usize).is_multiple_of(align))
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::size_classes! {
        /// Odd sizes.
        Odd: [32, 48, 80, 160, 304, 600 / 16 * 16, 1184, 2000, 4000 / 16 * 16]; waste 1 / 2
    }

    #[test]
    fn every_size_gets_the_smallest_block_that_holds_it() {
        let table = Odd::table(false);
        for size in 0..=Odd::MAX {
            let class = Odd::class_of(size);
            assert!(table[class].size as usize >= size, "{size}");
            assert!(class == 1 || (table[class - 1].size as usize) < size, "{size}");
        }
        assert_eq!(Odd::class_of(Odd::MAX), Odd::N - 1);
    }

    #[test]
    fn aligned_blocks_are_of_a_class_whose_size_is_a_multiple() {
        assert_eq!(class_of_aligned::<{ Odd::N }, Odd>(32, 40), Some(4));
        assert_eq!(class_of_aligned::<{ Odd::N }, Odd>(64, 1), None);
        assert_eq!(class_of_aligned::<{ Odd::N }, Odd>(16, Odd::MAX + 1), None);
    }

    #[test]
    fn no_slab_has_too_many_blocks() {
        for table in [Odd::table(false), Odd::table(true)] {
            assert!(table[1..].iter().all(|class| class.capacity as usize <= MOST_BLOCKS));
        }
        assert!(Odd::table(true)[4].slices > Odd::table(false)[4].slices);
    }
}
