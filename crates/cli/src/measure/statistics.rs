//! Medians, means and spreads of values.

use serde::Serialize;

/// The middle half of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The value below which a quarter of them is.
    pub low: f64,
    /// The value below which half of them is.
    pub median: f64,
    /// The value below which three quarters of them are.
    pub high: f64,
}

impl Spread {
    /// Returns the spread of at least one value.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.collect();
        sorted.sort_by(f64::total_cmp);
        Self { low: quantile(&sorted, 0.25), median: quantile(&sorted, 0.5), high: quantile(&sorted, 0.75) }
    }
}

/// Returns the value below which a `part` of the sorted values is, interpolated between its neighbours.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let position = part * (sorted.len() - 1) as f64;
    let low = sorted[position as usize];
    let high = sorted[(position.ceil() as usize).min(sorted.len() - 1)];
    low + (high - low) * position.fract()
}

/// Returns the geometric mean, which is for ratios, so that twice and half cancel. 1 for no values.
pub fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value.ln(), count + 1));
    if count == 0 { 1.0 } else { (sum / f64::from(count)).exp() }
}

/// The number of values below which none of them can be called an outlier.
const ENOUGH_FOR_OUTLIERS: usize = 5;
/// How many times farther from the median an outlier is than half of the values are. For normally distributed values it is ten
/// standard deviations. hyperfine uses the same number.
const OUTLYING: f64 = 14.826;

/// A summary of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The number of values.
    pub count: usize,
    /// The arithmetic mean.
    pub mean: f64,
    /// The sample standard deviation; `None` for a single value.
    pub deviation: Option<f64>,
    /// The median.
    pub median: f64,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// The number of values that are so far from the others that something else must have happened to them.
    pub outliers: usize,
}

impl Summary {
    /// Returns the summary of at least one value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (count > 1).then(|| (squares / (count - 1) as f64).sqrt());
        let outliers = outliers(&sorted);
        Some(Self { count, mean, deviation, median: quantile(&sorted, 0.5), least, most, outliers })
    }
}

/// Returns the number of outliers among sorted values.
fn outliers(sorted: &[f64]) -> usize {
    if sorted.len() < ENOUGH_FOR_OUTLIERS {
        return 0;
    }
    let median = quantile(sorted, 0.5);
    let mut distances: Vec<f64> = sorted.iter().map(|value| (value - median).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let typical = quantile(&distances, 0.5);
    distances.iter().filter(|&&distance| typical > 0.0 && distance > OUTLYING * typical).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_close(value: f64, to: f64) -> bool {
        (value - to).abs() < 1e-4
    }

    #[test]
    fn sums_up() {
        let summary = Summary::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((summary.mean, summary.median, summary.least, summary.most), (5.0, 4.5, 2.0, 9.0));
        assert!(is_close(summary.deviation.unwrap(), (32.0f64 / 7.0).sqrt()));
        assert_eq!(Summary::of(&[3.0]).unwrap().deviation, None);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn finds_outliers_and_no_others() {
        let calm = [1.0, 1.1, 0.9, 1.05, 0.95, 1.2];
        assert_eq!(Summary::of(&calm).unwrap().outliers, 0);
        let one: Vec<f64> = calm.into_iter().chain([9.0]).collect();
        assert_eq!(Summary::of(&one).unwrap().outliers, 1);
        assert_eq!(Summary::of(&[1.0, 1.0, 1.0, 1.0, 2.0]).unwrap().outliers, 0, "no spread, no yardstick");
        assert_eq!(Summary::of(&[1.0, 1.01, 9.0]).unwrap().outliers, 0, "too few");
    }

    #[test]
    fn quartiles() {
        let spread = Spread::of([5.0, 1.0, 4.0, 2.0, 3.0].into_iter());
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        let one = Spread::of([7.0].into_iter());
        assert_eq!((one.low, one.median, one.high), (7.0, 7.0, 7.0));
    }

    #[test]
    fn means() {
        assert!((geometric_mean([2.0, 0.5].into_iter()) - 1.0).abs() < 1e-12);
        assert!((geometric_mean([1.0, 8.0].into_iter()) - 8f64.sqrt()).abs() < 1e-12);
        assert_eq!(geometric_mean(std::iter::empty()), 1.0);
    }
}
