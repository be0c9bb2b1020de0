//! A set of pages, as bits.

/// `WORDS` times 64 bits.
pub struct Bitmap<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Bitmap<WORDS> {
    #[cfg(test)]
    pub const fn new() -> Self {
        Self([0; WORDS])
    }

    #[cfg(test)]
    pub fn get(&self, bit: usize) -> bool {
        self.0[bit / 64] >> (bit % 64) & 1 != 0
    }

    pub fn set_range(&mut self, first: usize, count: usize) {
        for (word, mask) in masks(first, count) {
            self.0[word] |= mask;
        }
    }

    pub fn clear_range(&mut self, first: usize, count: usize) {
        for (word, mask) in masks(first, count) {
            self.0[word] &= !mask;
        }
    }

    pub fn all_in(&self, first: usize, count: usize) -> bool {
        masks(first, count).all(|(word, mask)| self.0[word] & mask == mask)
    }

    pub fn none_in(&self, first: usize, count: usize) -> bool {
        masks(first, count).all(|(word, mask)| self.0[word] & mask == 0)
    }

    /// Returns how many bits both sets have.
    pub fn common(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }

    /// Returns the bits that both sets have.
    pub fn and(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// Returns the first and the number of the bits around `bit`, which is set, that are set too.
    pub fn range_around(&self, bit: usize) -> (usize, usize) {
        let end = self.next(bit, false).unwrap_or(WORDS * 64);
        let first = self.last_clear_before(bit).map_or(0, |clear| clear + 1);
        (first, end - first)
    }

    fn last_clear_before(&self, bit: usize) -> Option<usize> {
        let mut word = bit / 64;
        let mut clear = !self.0[word] & !(u64::MAX << (bit % 64));
        while clear == 0 {
            word = word.checked_sub(1)?;
            clear = !self.0[word];
        }
        Some(word * 64 + 63 - clear.leading_zeros() as usize)
    }

    /// Returns the first and the number of the next bits from `from` on that are set.
    pub fn next_range(&self, from: usize) -> Option<(usize, usize)> {
        let first = self.next(from, true)?;
        Some((first, self.next(first, false).unwrap_or(WORDS * 64) - first))
    }

    /// Returns how many ranges of bits are set.
    pub fn ranges(&self) -> usize {
        let after = |(first, count)| self.next_range(first + count);
        core::iter::successors(self.next_range(0), |&range| after(range)).count()
    }

    /// Returns the first multiple of `align` from which on `count` bits are set.
    pub fn find(&self, count: usize, align: usize) -> Option<usize> {
        let mut first = self.next(0, true)?;
        loop {
            let end = self.next(first, false).unwrap_or(WORDS * 64);
            let start = first.next_multiple_of(align.max(1));
            if start + count <= end {
                return Some(start);
            }
            first = self.next(end, true)?;
        }
    }

    /// Returns the first bit from `from` on that has `value`.
    fn next(&self, from: usize, value: bool) -> Option<usize> {
        let flip = if value { 0 } else { u64::MAX };
        let mut word = from / 64;
        if word >= WORDS {
            return None;
        }
        let mut bits = (self.0[word] ^ flip) & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)? ^ flip;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }
}

/// Returns the words that a range touches, each with the range's bits in it.
fn masks(first: usize, count: usize) -> impl Iterator<Item = (usize, u64)> {
    let (mut word, mut bit, mut left) = (first / 64, first % 64, count);
    core::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let taken = left.min(64 - bit);
        let item = (word, u64::MAX >> (64 - taken) << bit);
        (word, bit, left) = (word + 1, 0, left - taken);
        Some(item)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_aligned_run() {
        let mut bits = Bitmap::<4>::new();
        assert_eq!(bits.find(1, 1), None);
        bits.set_range(3, 5);
        bits.set_range(60, 70);
        bits.set_range(200, 56);
        assert_eq!(bits.find(5, 1), Some(3));
        assert_eq!(bits.find(6, 1), Some(60));
        assert_eq!(bits.find(64, 64), Some(64));
        assert_eq!(bits.find(2, 16), Some(64));
        assert_eq!(bits.find(71, 1), None);
        assert_eq!(bits.find(56, 8), Some(64));
        assert_eq!(bits.find(32, 32), Some(64));
        assert_eq!(bits.next_range(0), Some((3, 5)));
        assert_eq!(bits.next_range(5), Some((5, 3)));
        assert_eq!(bits.next_range(130), Some((200, 56)));
        assert_eq!(bits.next_range(256), None);
        for (bit, range) in
            [(3, (3, 5)), (7, (3, 5)), (60, (60, 70)), (64, (60, 70)), (129, (60, 70)), (255, (200, 56))]
        {
            assert_eq!(bits.range_around(bit), range);
        }
        assert_eq!((bits.ranges(), Bitmap::<4>::new().ranges()), (3, 0));
        bits.set_range(0, 256);
        assert_eq!(bits.range_around(100), (0, 256));
    }

    #[test]
    fn ranges_are_exact() {
        for (first, count) in [(0, 1), (0, 256), (63, 2), (64, 64), (100, 0), (1, 255), (255, 1)] {
            let mut bits = Bitmap::<4>::new();
            bits.set_range(first, count);
            for bit in 0..256 {
                assert_eq!(bits.get(bit), (first..first + count).contains(&bit), "{first} {count} {bit}");
            }
            assert!(bits.all_in(first, count));
            assert_eq!(bits.none_in(0, 256), count == 0);
            bits.clear_range(first, count);
            assert!(bits.none_in(0, 256));
        }
    }
}
