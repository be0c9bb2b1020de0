//! A program's own size classes: any sizes, proved when the heap is compiled.

// What the macro names.
#[doc(hidden)]
pub use xalloc_blocks::size_class::{Class, lookup, prove, table};

/// The size classes of a heap, from 1 to `N` - 1: what [`size_classes!`](crate::size_classes) makes of a list of sizes.
pub trait SizeClasses<const N: usize>: Sync + 'static {
    /// The largest size that has a class, in bytes.
    const MAX: usize;

    /// Returns the table with slabs of 64 KiB, as far as they hold enough blocks, or (`large`) with slabs of 512 KiB, as far as
    /// they do not hold too many. Index 0 is no class.
    fn table(large: bool) -> &'static [Class; N];

    /// Returns the class of the smallest block that holds `size` bytes, which are at most [`SizeClasses::MAX`].
    fn class_of(size: usize) -> usize;
}

/// Makes a type that is a list of size classes: `size_classes! { /// Doc. pub Sizes: [16, 48, 1024]; waste 1 / 2 }`.
///
/// The sizes grow, are multiples of 16, and at most 32 KiB; what is larger than the last one is served in whole pages. No
/// request above the first size gets a block of which a larger part than `waste` is not asked for: that is proved, and a list
/// with too large a step does not compile:
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

#[cfg(test)]
mod tests {
    use super::*;
    use xalloc_blocks::size_class;

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
        let aligned = |align, size| size_class::aligned(Odd::table(false), Odd::class_of, align, size);
        assert_eq!(aligned(32, 40), Some(4));
        assert_eq!(aligned(64, 1), None);
        assert_eq!(aligned(16, Odd::MAX + 1), None);
    }
}
