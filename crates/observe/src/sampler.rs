//! Which allocation is a sample: every byte is one with the same probability, whatever block it is in.
//!
//! The distance from one sample to the next, in bytes, is exponentially distributed: so a block of `size` bytes is sampled with
//! the probability 1 - e^(-size / mean), and a sum over samples, each weighted by the inverse, is an unbiased estimate
//! (jemalloc's PROFILING_INTERNALS.md).

use core::cell::Cell;
use xalloc_os::random;

/// The sampler of one thread. Zeros are one that has not begun.
pub struct Sampler {
    /// The bytes that are left until the next sample.
    left: Cell<i64>,
    /// The mean with which that was drawn.
    mean: Cell<u64>,
    /// The state of the random numbers; 0 before the first.
    state: Cell<u64>,
}

impl Sampler {
    /// Begins anew, with another mean, or for the first time.
    #[cold]
    fn begin(&self, mean: u64) {
        if self.state.get() == 0 {
            // The generator must not start with 0.
            self.state.set(random::secret() as u64 | 1);
        }
        self.mean.set(mean);
        self.left.set(self.distance(mean));
    }

    /// Returns whether a block of `size` bytes is a sample, where one comes every `mean` bytes.
    #[inline]
    pub fn takes(&self, size: usize, mean: u64) -> bool {
        if self.mean.get() != mean {
            self.begin(mean);
        }
        let left = self.left.get().saturating_sub_unsigned(size as u64);
        self.left.set(left);
        left < 0 && self.take(mean)
    }

    /// Draws the next distance. It has no memory, so what the block has beyond the sampled byte does not count.
    #[cold]
    fn take(&self, mean: u64) -> bool {
        self.left.set(self.distance(mean));
        true
    }

    fn distance(&self, mean: u64) -> i64 {
        // Marsaglia's xorshift64*: the upper bits are good enough for a fraction.
        let mut state = self.state.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.state.set(state);
        let bits = state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        // In (0, 1].
        let fraction = (bits + 1) as f64 / (1u64 << 53) as f64;
        (-natural_logarithm(fraction) * mean as f64) as i64
    }
}

/// Returns the natural logarithm of a positive normal number: `core` has none.
fn natural_logarithm(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = (bits >> 52) as i64 - 1023;
    let mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    // ln(m) = 2 artanh((m - 1) / (m + 1)), of which the series is cut off where it is below 1e-10.
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut term = s;
    let mut sum = 0.0;
    let mut odd = 1.0;
    while odd < 20.0 {
        sum += term / odd;
        term *= square;
        odd += 2.0;
    }
    2.0 * sum + exponent as f64 * core::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(seed: u64) -> Sampler {
        Sampler { left: Cell::new(0), mean: Cell::new(0), state: Cell::new(seed | 1) }
    }

    #[test]
    fn the_logarithm_is_that_of_the_standard_library() {
        for step in 1..100_000 {
            let x = f64::from(step) / 100_000.0;
            assert!((natural_logarithm(x) - x.ln()).abs() < 1e-9, "{x}");
        }
    }

    /// The probability is the promised one, for blocks much smaller than the mean and much larger.
    #[test]
    fn a_block_is_sampled_with_its_probability() {
        const MEAN: u64 = 4096;
        for size in [16, 100, 1024, 4096, 10_000, 40_000] {
            let (sampler, tries) = (sampler(size as u64), 400_000);
            let taken = (0..tries).filter(|_| sampler.takes(size, MEAN)).count() as f64;
            let probability = 1.0 - (-(size as f64) / MEAN as f64).exp();
            let expected = probability * f64::from(tries);
            let deviation = (expected * (1.0 - probability)).sqrt();
            assert!((taken - expected).abs() < 5.0 * deviation.max(1.0), "{size}: {taken} of {expected}");
        }
    }
}
