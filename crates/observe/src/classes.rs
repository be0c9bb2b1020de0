//! The classes by which blocks are counted: the same for every heap, whatever its own size classes are.

/// The number of classes.
pub const CLASSES: usize = 88;

/// Up to this size the classes are 16 bytes apart.
const STEP_MAX: usize = 128;
/// From there up to this size there are four classes to each doubling, and one beyond.
const FINE_MAX: usize = 1 << 20;
const STEPS: usize = STEP_MAX / 16;
const FINE: usize = (FINE_MAX.ilog2() - STEP_MAX.ilog2()) as usize * 4;

/// The largest size of each class, in bytes.
pub const LIMITS: [u64; CLASSES] = {
    let mut limits = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        limits[class] = limit(class);
        class += 1;
    }
    limits
};

const fn limit(class: usize) -> u64 {
    if class < STEPS {
        return (class as u64 + 1) * 16;
    }
    let fine = class - STEPS;
    if fine < FINE {
        let (doubling, quarter) = (fine / 4, fine as u64 % 4 + 1);
        return ((STEP_MAX as u64) << doubling) / 4 * (4 + quarter);
    }
    (FINE_MAX as u64) << (fine - FINE + 1)
}

/// Returns the class of a block of `size` usable bytes. What is larger than all limits is in the last one.
#[inline]
pub fn class_of(size: usize) -> usize {
    if size <= STEP_MAX {
        return size.saturating_sub(1) / 16;
    }
    let last = size - 1;
    let doubling = last.ilog2() as usize;
    let class = if size <= FINE_MAX {
        STEPS + (doubling - STEP_MAX.ilog2() as usize) * 4 + (last >> (doubling - 2) & 3)
    } else {
        STEPS + FINE + doubling - FINE_MAX.ilog2() as usize
    };
    class.min(CLASSES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_in_the_class_with_the_least_limit_that_holds_it() {
        assert!(LIMITS.is_sorted());
        assert_eq!(LIMITS[CLASSES - 1], 1 << 48);
        let sizes = (0..300_000).chain((18..47).flat_map(|bit| (1usize << bit) - 2..(1 << bit) + 3));
        for size in sizes {
            let class = class_of(size);
            assert!(LIMITS[class] >= size as u64, "{size}");
            assert!(class == 0 || LIMITS[class - 1] < size as u64, "{size}");
        }
        assert_eq!(class_of(usize::MAX), CLASSES - 1);
    }
}
