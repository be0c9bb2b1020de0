//! The sizes of small and medium blocks: 80 classes, 16 bytes apart up to 512, then 8 to each doubling up to 32 KiB.
//!
//! Finer than the four per doubling of most allocators: 2.8 % of the memory is lost to rounding for sizes up to 512, and
//! 4.2 % from 1 to 32 KiB, where four per doubling lose 7.7 % and 8.2 %. Index 0 is unused.

use xalloc_blocks::bin::Bin;
use xalloc_blocks::size_class::{self, Class, MANY_SLICES};

/// The length of the table, with its unused index 0.
pub const CLASSES: usize = 81;
/// The largest size of the classes that are 16 bytes apart.
pub const STEP_MAX: usize = 512;
/// The first class above [`STEP_MAX`].
const FIRST_OF_DOUBLING: usize = STEP_MAX / 16 + 1;
/// The largest size that has a class.
pub const MAX: usize = 32 << 10;

/// Blocks larger than this come from slabs of eight slices: in one slice, too much would be lost at its end.
const ONE_SLICE_MAX: usize = 4 << 10;
/// The classes, by number.
pub static TABLE: [Class; CLASSES] = CONSTANT;

const CONSTANT: [Class; CLASSES] = {
    let mut table = [Class::NONE; CLASSES];
    let mut class = 1;
    while class < CLASSES {
        let size = size_of_class(class);
        table[class] = Class::new(class, size, if size <= ONE_SLICE_MAX { 1 } else { MANY_SLICES });
        class += 1;
    }
    table
};

const _: () = size_class::prove(&CONSTANT, 128, 8);

const fn size_of_class(class: usize) -> usize {
    if class <= STEP_MAX / 16 {
        return class * 16;
    }
    let (doubling, step) = ((class - FIRST_OF_DOUBLING) >> 3, (class - FIRST_OF_DOUBLING) & 7);
    (STEP_MAX << doubling) + (step + 1) * ((STEP_MAX / 8) << doubling)
}

/// Returns the class of the smallest block that holds `size` bytes; `size` is at most [`MAX`].
#[inline(always)]
pub const fn class_of(size: usize) -> usize {
    if size <= STEP_MAX {
        let class = (size + 15) >> 4;
        return if class == 0 { 1 } else { class };
    }
    let last = size - 1;
    // At least 9, because size > 512. The 1 changes nothing but tells the compiler that there is a highest bit.
    let doubling = (last | 1).ilog2() as usize;
    FIRST_OF_DOUBLING + (doubling - STEP_MAX.ilog2() as usize) * 8 + ((last >> (doubling - 3)) & 7)
}

/// The largest size that [`BIN_OF_SIZE`] knows.
pub const SHORT_MAX: usize = 1024;

/// Where in a thread heap the bin for a size is. One load, of which a program's few sizes use a few cache lines; the
/// classes' two rules, up to 512 and above, would need six more instructions, or a branch that is guessed wrong in programs
/// that mix sizes below and above. A constant, so that it is known wherever a size is.
pub const BIN_OF_SIZE: &[u16; SHORT_MAX + 1] = &{
    let mut table = [0; SHORT_MAX + 1];
    let mut size = 0;
    while size <= SHORT_MAX {
        table[size] = (class_of(size) * size_of::<Bin>()) as u16;
        size += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use xalloc_blocks::page_map::SLICE;

    #[test]
    fn every_size_gets_the_smallest_block_that_holds_it() {
        for size in 1..=MAX {
            let class = class_of(size);
            assert!(TABLE[class].size as usize >= size, "{size}");
            assert!(class == 1 || (TABLE[class - 1].size as usize) < size, "{size}");
        }
        assert_eq!(class_of(0), 1);
        assert_eq!(class_of(MAX), CLASSES - 1);
    }

    #[test]
    fn little_is_lost_at_the_end_of_a_slab() {
        for class in &TABLE[1..] {
            let (size, bytes) = (class.size as usize, class.slices as usize * SLICE);
            assert!((bytes - class.capacity as usize * size) * 1000 <= bytes * 36, "{size}");
        }
    }

    #[test]
    fn aligned_classes_are_aligned_and_large_enough() {
        for shift in 0..16 {
            let align = 1 << shift;
            for size in [0, 1, 15, 16, 17, 100, 512, 513, 4096, 5000, 30_000, MAX] {
                if let Some(class) = size_class::aligned(&TABLE, class_of, align, size) {
                    let block = TABLE[class].size as usize;
                    assert!(block >= size && block.is_multiple_of(align), "{align} {size}");
                }
            }
        }
        let aligned = |align, size| size_class::aligned(&TABLE, class_of, align, size);
        assert_eq!(aligned(16, MAX + 1), None);
        assert_eq!(aligned(1 << 16, 1), None);
        assert_eq!(aligned(1 << 40, usize::MAX - 5), None);
    }
}
