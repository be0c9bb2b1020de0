//! Random numbers, fast enough to cost little beside malloc, and the same in every run.

/// Marsaglia's xorshift with a multiplication (xorshift64*).
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        // Spread, because neighbouring seeds would begin alike; never zero, from which the generator does not move.
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 32 bits.
    #[inline]
    pub fn next(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// A number below `bound`.
    #[inline]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u64::from(self.next()) * bound as u64) >> 32) as usize
    }

    /// A number from `low` to `high`, both included.
    #[inline]
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// A size from 2^`low` up to 2^`high`: every doubling is as likely as every other one.
    #[inline]
    pub fn log_uniform(&mut self, low: u32, high: u32) -> usize {
        let base = 1 << (low as usize + self.below((high - low) as usize));
        base + self.below(base)
    }

    /// True once in `of`.
    #[inline]
    pub fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}
