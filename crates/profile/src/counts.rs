//! What a stack has allocated.

use serde::Serialize;

/// Objects and bytes that are live, and those that were allocated since the start. They are negative in a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Objects that are live.
    pub live_objects: i64,
    /// Bytes that are live.
    pub live_bytes: i64,
    /// Objects that were allocated, freed or not. Always 0 where the profiler does not count them.
    pub allocated_objects: i64,
    /// Bytes that were allocated, freed or not.
    pub allocated_bytes: i64,
}

impl Counts {
    /// Returns the sum. What is too large for it becomes the largest number.
    pub fn plus(self, other: Self) -> Self {
        self.combined(other, i64::saturating_add)
    }

    /// Returns the difference.
    pub fn minus(self, other: Self) -> Self {
        self.combined(other, i64::saturating_sub)
    }

    /// Returns an estimate of what was really there, from what a sampler has counted that takes one sample every `interval`
    /// bytes on average, as jeprof makes it.
    ///
    /// An allocation of `size` bytes is a sample with a probability of 1 - exp(-size / interval). A stack's sizes are taken to
    /// be all the same.
    pub fn unsampled(self, interval: u64) -> Self {
        let (live_objects, live_bytes) = scaled(self.live_objects, self.live_bytes, interval);
        let (allocated_objects, allocated_bytes) = scaled(self.allocated_objects, self.allocated_bytes, interval);
        Self { live_objects, live_bytes, allocated_objects, allocated_bytes }
    }

    fn combined(self, other: Self, combine: impl Fn(i64, i64) -> i64) -> Self {
        Self {
            live_objects: combine(self.live_objects, other.live_objects),
            live_bytes: combine(self.live_bytes, other.live_bytes),
            allocated_objects: combine(self.allocated_objects, other.allocated_objects),
            allocated_bytes: combine(self.allocated_bytes, other.allocated_bytes),
        }
    }
}

fn scaled(objects: i64, bytes: i64, interval: u64) -> (i64, i64) {
    if objects <= 0 || bytes <= 0 || interval == 0 {
        return (objects, bytes);
    }
    let ratio = bytes as f64 / objects as f64 / interval as f64;
    let factor = -1.0 / (-ratio).exp_m1();
    // Conversions to integers end at the largest one.
    ((objects as f64 * factor).round() as i64, (bytes as f64 * factor).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(live_objects: i64, live_bytes: i64) -> Counts {
        Counts { live_objects, live_bytes, ..Counts::default() }
    }

    #[test]
    fn estimates_are_jeprofs() {
        // perl -e 'my ($n, $s, $y) = (3, 300, 1000); my $f = 1 / (1 - exp(-$s / $n / $y)); print $n * $f, " ", $s * $f'
        assert_eq!(live(3, 300).unsampled(1000), live(32, 3152));
        assert_eq!(live(5, 5 << 20).unsampled(1), live(5, 5 << 20), "each large one is a sample");
        assert_eq!(live(5, 500).unsampled(0), live(5, 500), "nothing was sampled");
    }

    #[test]
    fn impossible_counts_stay_numbers() {
        assert_eq!(live(7, 0).unsampled(512), live(7, 0));
        assert_eq!(live(i64::MAX, 1).unsampled(u64::MAX).live_objects, i64::MAX);
        assert_eq!(live(1, i64::MAX).plus(live(1, 1)), live(2, i64::MAX));
    }
}
