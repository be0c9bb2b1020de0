//! Medians, intervals, means.

use serde::Serialize;

/// Where the middle of some values lies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// A quarter of the values is below.
    pub low: f64,
    /// Half of them are.
    pub median: f64,
    /// Three quarters are.
    pub high: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        Self { low: quantile(&sorted, 0.25), median: quantile(&sorted, 0.5), high: quantile(&sorted, 0.75) }
    }

    /// Whether both intervals have something in common, so that no difference was shown.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// The value below which a `part` of the sorted values lies, between neighbours in proportion.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let position = part * (sorted.len() - 1) as f64;
    let low = sorted[position as usize];
    let high = sorted[(position.ceil() as usize).min(sorted.len() - 1)];
    low + (high - low) * position.fract()
}

/// The geometric mean: for ratios, where twice and half must cancel. 1 of no values.
pub fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value.ln(), count + 1));
    if count == 0 { 1.0 } else { (sum / f64::from(count)).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0].into_iter());
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        let one = Spread::of([7.0].into_iter());
        assert_eq!((one.low, one.median, one.high), (7.0, 7.0, 7.0));
        assert!(spread.overlaps(&Spread::of([4.0, 9.0, 4.0, 4.0].into_iter())));
        assert!(!spread.overlaps(&one));
    }

    #[test]
    fn means() {
        assert!((geometric_mean([2.0, 0.5].into_iter()) - 1.0).abs() < 1e-12);
        assert!((geometric_mean([1.0, 8.0].into_iter()) - 8f64.sqrt()).abs() < 1e-12);
        assert_eq!(geometric_mean(std::iter::empty()), 1.0);
    }
}
