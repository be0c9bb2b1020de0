//! Size classes: a heap's table of the block sizes that its slabs have, proved when the heap is compiled.

use crate::page_map::SLICE;

/// The shift of [`Class::reciprocal`]: offset × size must stay below 2^38.
const RECIPROCAL_SHIFT: u32 = 38;
/// See [`Class::starts_below`]. The largest power of two that an instruction has room for.
pub const START_LIMIT: usize = 1 << 31;
/// Every block is aligned to this.
pub const MIN_ALIGN: usize = 16;
/// The number of slices of the slabs of large blocks.
pub const MANY_SLICES: usize = 8;
/// No slab that [`table`] makes has more blocks: a batch of remote frees names its first block in 12 bits.
const MOST_BLOCKS: usize = 4096;
/// Blocks up to this size come from slabs of one slice; larger ones, which would fill it with too few, from slabs of eight.
const ONE_SLICE_MAX: usize = 4 << 10;

/// A size class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The size of a block.
    pub size: u32,
    /// The number of blocks in a slab.
    pub capacity: u16,
    /// The number of slices of a slab: 1 or [`MANY_SLICES`].
    pub slices: u16,
    /// Its index in its heap's table.
    pub number: u16,
    /// ⌈2^38 / size⌉: divides by multiplication.
    reciprocal: u64,
    /// [`Class::starts_below`] of all blocks of a slab.
    pub starts: usize,
}

impl Class {
    /// No class: what stands at index 0 of a table, so that a zero index is never valid.
    pub const NONE: Self = Self { size: 0, capacity: 0, slices: 0, number: 0, reciprocal: 0, starts: 0 };

    /// Returns the class with index `number` in its table, of blocks of `size` bytes in slabs of `slices` slices. Fails to
    /// compile in a constant, and panics elsewhere, unless the size is a multiple of [`MIN_ALIGN`] of which a slab holds two or
    /// more.
    pub const fn new(number: usize, size: usize, slices: usize) -> Self {
        assert!(number > 0 && number <= u16::MAX as usize, "index 0 of a table is no class");
        assert!(slices == 1 || slices == MANY_SLICES, "a slab has one slice, or eight");
        assert!(size > 0 && size.is_multiple_of(MIN_ALIGN), "a size is a multiple of 16");
        let (bytes, capacity) = (slices * SLICE, slices * SLICE / size);
        assert!(capacity >= 2 && capacity <= u16::MAX as usize, "a slab holds two blocks or more");
        assert!((bytes as u64) * (size as u64) < 1 << RECIPROCAL_SHIFT, "too large a size for one multiplication");
        // By one comparison with `starts`; see `starts_below`.
        assert!(size <= 1 << 15, "a size is at most 32 KiB");
        let class = Self {
            size: size as u32,
            capacity: capacity as u16,
            slices: slices as u16,
            number: number as u16,
            reciprocal: (1u64 << RECIPROCAL_SHIFT).div_ceil(size as u64),
            starts: 0,
        };
        Self { starts: class.starts_below(capacity), ..class }
    }

    /// Returns the factor that tells the starts of the first `bound` blocks of a slab from all else: `offset * factor`, without
    /// what overflows, is below [`START_LIMIT`] for these only. `bound` is not 0.
    ///
    /// With a factor of `(2^64 + e) / d`, `n * factor mod 2^64` is `q * e` for `n = q * d`, and at least `2^64 / d` for
    /// other `n` (after Lemire, Kaser, Kurz, "Faster remainder by direct computation", 2019). So one comparison with the limit
    /// tells multiples from others, sizes being at most 2^15, and those with `q * e` below it from later ones.
    pub const fn starts_below(&self, bound: usize) -> usize {
        let size = self.size as usize;
        let least = usize::MAX / size + 1;
        // By how much `least * size` is above 2^64, and by how much it must be.
        let (excess, wanted) = (least.wrapping_mul(size), START_LIMIT.div_ceil(bound));
        least + wanted.saturating_sub(excess).div_ceil(size)
    }

    /// Returns the index of the block that starts `offset` bytes into a slab, if one does.
    #[inline]
    pub fn index(&self, offset: usize) -> Option<usize> {
        let index = ((offset as u64 * self.reciprocal) >> RECIPROCAL_SHIFT) as usize;
        (index * self.size as usize == offset && index < self.capacity as usize).then_some(index)
    }
}

/// Proves that `table` covers all sizes up to its largest: [`Class::NONE`] first, then every class larger than the one before;
/// that a request of `wasteful_from` bytes or more never gets a block of which more than 1 / `waste` is not asked for; and that
/// no slab has more than 1 / `waste` of its bytes behind its last block. Fails to compile in a constant, and panics elsewhere,
/// if it does not.
pub const fn prove(table: &[Class], wasteful_from: usize, waste: usize) {
    assert!(table.len() > 1 && table[0].size == 0, "index 0 of a table is no class");
    assert!(waste > 0, "the part that may be lost is 1 / N, of which N is 1 or more");
    let mut number = 1;
    while number < table.len() {
        let (class, before) = (&table[number], table[number - 1].size as usize);
        let size = class.size as usize;
        assert!(class.number as usize == number, "a class is not at its index");
        assert!(size > before, "the sizes do not grow");
        let smallest = if before + 1 < wasteful_from { wasteful_from } else { before + 1 };
        if smallest <= size && (size - smallest) * waste > size {
            fail_step(before, size);
        }
        let bytes = class.slices as usize * SLICE;
        assert!((bytes - class.capacity as usize * size) * waste <= bytes, "too much is lost at the end of a slab");
        number += 1;
    }
}

/// Fails: says between which sizes the step is too large.
const fn fail_step(from: usize, to: usize) -> ! {
    let mut text = Message { bytes: [0; 128], used: 0 };
    text.push(b"too large a step from ");
    text.push_number(from);
    text.push(b" to ");
    text.push_number(to);
    text.push(b" bytes: add a size between them, or let more be lost");
    let (message, _) = text.bytes.split_at(text.used);
    match core::str::from_utf8(message) {
        Ok(message) => panic!("{}", message),
        Err(_) => panic!("too large a step between two sizes"),
    }
}

/// A text that is made while a constant is.
struct Message {
    bytes: [u8; 128],
    used: usize,
}

impl Message {
    const fn push(&mut self, text: &[u8]) {
        let mut at = 0;
        while at < text.len() {
            self.bytes[self.used] = text[at];
            self.used += 1;
            at += 1;
        }
    }

    const fn push_number(&mut self, number: usize) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push(&[b'0' + (number % 10) as u8]);
    }
}

/// Returns the table for these sizes, with slabs of 64 KiB, as far as they hold enough blocks, or (`large`) with slabs of 512
/// KiB, as far as they do not hold too many. Fails to compile in a constant, and panics elsewhere, for a size that is no
/// multiple of 16 or above 32 KiB.
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
    assert!(sizes.len() < 128, "a heap has at most 127 sizes: so many bins fit behind the TLS word");
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

/// Returns the class of the smallest block that holds `size` bytes aligned to `align`, if the table has one; `class_of`
/// returns that of a size without an alignment. Slabs start at multiples of 64 KiB, so a block is aligned when its size is a
/// multiple of the alignment.
pub fn aligned(table: &[Class], class_of: impl Fn(usize) -> usize, align: usize, size: usize) -> Option<usize> {
    let size = size.max(1).checked_next_multiple_of(align)?;
    if size > table.last()?.size as usize {
        return None;
    }
    (class_of(size)..table.len()).find(|&class| (table[class].size as usize).is_multiple_of(align))
}

/// Classes for the tests of the blocks that have some: a small one, one with blocks of half a KiB, and the largest.
#[cfg(test)]
pub static SMALL: Class = Class::new(1, 16, 1);
#[cfg(test)]
/// See [`SMALL`].
pub static MIDDLE: Class = Class::new(2, 512, 1);
#[cfg(test)]
/// See [`SMALL`].
pub static LARGE: Class = Class::new(3, 32 << 10, MANY_SLICES);

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Class; 4] =
        [Class::NONE, Class::new(1, 48, 1), Class::new(2, 80, 1), Class::new(3, 30_000 / 16 * 16, 8)];

    #[test]
    #[cfg_attr(miri, ignore = "millions of divisions, no memory")]
    fn finds_blocks_and_nothing_else() {
        for class in &TABLE[1..] {
            let (size, bytes) = (class.size as usize, class.slices as usize * SLICE);
            for offset in 0..bytes {
                let expected = (offset % size == 0 && offset / size < class.capacity as usize).then_some(offset / size);
                assert_eq!(class.index(offset), expected, "{size} {offset}");
            }
        }
    }

    #[test]
    fn a_table_with_too_large_a_step_is_refused() {
        prove(&TABLE[..3], 48, 2);
        assert!(std::panic::catch_unwind(|| prove(&TABLE, 48, 2)).is_err());
        assert!(std::panic::catch_unwind(|| prove(&TABLE[1..3], 48, 2)).is_err());
        assert!(std::panic::catch_unwind(|| prove(&[TABLE[0], TABLE[2], TABLE[1]], 48, 2)).is_err());
    }
    #[test]
    fn a_table_is_made_of_sizes() {
        const SIZES: [usize; 4] = [16, 48, 256, 8192];
        let [small, large]: [[Class; 5]; 2] = [table(&SIZES, false), table(&SIZES, true)];
        prove(&small[..3], 49, 2);
        let classes = small.iter().chain(&large);
        assert!(classes.clone().all(|class| class.capacity as usize <= MOST_BLOCKS));
        assert_eq!(classes.map(|class| class.slices).collect::<std::vec::Vec<_>>(), [0, 1, 1, 1, 8, 0, 1, 1, 8, 8]);
        let lookup: [u8; 6] = lookup(&SIZES);
        assert_eq!(lookup, [1, 1, 2, 2, 3, 3]);
        assert_eq!(
            [(32, 1), (16, 1), (1 << 14, 40), (16, 9000)].map(|(align, size)| {
                aligned(&small, |size| lookup[size.div_ceil(16).min(5)] as usize, align, size)
            }),
            [Some(3), Some(1), None, None]
        );
    }
}
