//! The one rule of this command for whether a difference is real. `bench` and `compare` both use it.
//!
//! The measured ratio of two means is not the true one. The true ratio is in an interval around it: Welch's interval (for
//! unequal variances, with Student's quantiles) for the difference of the means' logarithms, to first order. The runs show a
//! difference if this interval does not contain 1, and the ratio is not [`NEGLIGIBLE`]. Of many comparisons, some would show a
//! difference by chance. So each interval is made wider by Bonferroni's correction: all of them together are right with
//! [`CONFIDENCE`].
//!
//! A simpler rule asks whether the middle halves of the runs overlap. It finds a difference far too often. With three runs each
//! of the same program, normally distributed, the middle halves do not overlap in 34 of 100 cases; with five runs each, in 21.

use super::statistics::Summary;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::cmp::Ordering;

/// The number of values below which nothing can be said about their spread.
pub const ENOUGH: usize = 3;
/// The confidence of all statements about a difference together.
const CONFIDENCE: f64 = 0.95;
/// The difference, as a fraction, below which nobody would choose one allocator over another.
const NEGLIGIBLE: f64 = 0.01;

/// The rule, for a certain number of comparisons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    confidence: f64,
}

impl Rule {
    /// Returns the rule for `count` comparisons, of which the reader sees all or the most striking.
    pub fn for_comparisons(count: usize) -> Self {
        Self { confidence: 1.0 - (1.0 - CONFIDENCE) / count.max(1) as f64 }
    }

    /// Returns the confidence of each interval.
    pub fn confidence(self) -> f64 {
        self.confidence
    }

    /// Returns the ratio of the mean of `own` to that of `base`; `None` if either is negative, or the latter is zero.
    pub fn ratio(self, own: &Summary, base: &Summary) -> Option<Ratio> {
        if base.mean <= 0.0 || own.mean <= 0.0 {
            return None;
        }
        let value = own.mean / base.mean;
        let deviations = own.deviation.zip(base.deviation);
        let deviation = deviations.map(|(a, b)| value * (a / own.mean).hypot(b / base.mean));
        Some(Ratio { value, deviation, interval: self.interval(own, base) })
    }

    /// Returns the interval of the ratio; `None` for too few values.
    fn interval(self, own: &Summary, base: &Summary) -> Option<(f64, f64)> {
        if own.count < ENOUGH || base.count < ENOUGH {
            return None;
        }
        let value = own.mean / base.mean;
        let (a, b) = (relative_variance(own)?, relative_variance(base)?);
        if a + b == 0.0 {
            return Some((value, value));
        }
        let squares = a.powi(2) / (own.count - 1) as f64 + b.powi(2) / (base.count - 1) as f64;
        let freedom = (a + b).powi(2) / squares;
        let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
        let reach = student.inverse_cdf(0.5 + self.confidence / 2.0) * (a + b).sqrt();
        Some((value * (-reach).exp(), value * reach.exp()))
    }
}

/// Returns the square of the mean's standard error, as a fraction of the squared mean.
fn relative_variance(values: &Summary) -> Option<f64> {
    Some((values.deviation? / values.mean).powi(2) / values.count as f64)
}

/// The ratio of two means.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The ratio itself.
    pub value: f64,
    /// The standard deviations of both, propagated: how far single runs are from the ratio. `None` if either has a single run.
    pub deviation: Option<f64>,
    /// The interval of the true ratio, with the confidence of the rule; `None` for too few values.
    pub interval: Option<(f64, f64)>,
}

impl Ratio {
    /// Returns whether the ratio is shown to be above or below 1; `None` if no difference is shown.
    pub fn difference(&self) -> Option<Ordering> {
        let (low, high) = self.interval?;
        let matters = (self.value - 1.0).abs() > NEGLIGIBLE;
        (matters && (low > 1.0 || high < 1.0)).then(|| self.value.total_cmp(&1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: &[f64]) -> Summary {
        Summary::of(values).unwrap()
    }

    /// By hand: means 12 and 10, both with variance 1 and four values.
    #[test]
    fn propagates_errors_and_gives_welch_s_interval() {
        let values = |mean: f64| summary(&[mean - 1.5f64.sqrt(), mean, mean, mean + 1.5f64.sqrt()]);
        let (slow, base) = (values(12.0), values(10.0));
        let rule = Rule::for_comparisons(1);
        let ratio = rule.ratio(&slow, &base).unwrap();
        assert!((ratio.value - 1.2).abs() < 1e-4);
        assert!((ratio.deviation.unwrap() - 1.2 * (1.0 / 144.0 + 1.0 / 100.0f64).sqrt()).abs() < 1e-4);
        // Variances 1/576 and 1/400; degrees of freedom 5.80; Student's t at 0.975 there is 2.4678.
        let reach = 2.4678 * (1.0 / 576.0 + 1.0 / 400.0f64).sqrt();
        let (low, high) = ratio.interval.unwrap();
        assert!((low - 1.2 * (-reach).exp()).abs() < 1e-3 && (high - 1.2 * reach.exp()).abs() < 1e-3, "{low} {high}");
        assert_eq!(ratio.difference(), Some(Ordering::Greater));
        assert_eq!(rule.ratio(&base, &slow).unwrap().difference(), Some(Ordering::Less));
        assert_eq!(rule.ratio(&base, &base).unwrap().difference(), None);
    }

    #[test]
    fn one_of_many_comparisons_must_be_clearer() {
        let (own, base) = (summary(&[1.2, 1.25, 1.15]), summary(&[1.0, 1.05, 0.95]));
        let shown = |count| Rule::for_comparisons(count).ratio(&own, &base).unwrap().difference();
        assert_eq!((shown(1), shown(100)), (Some(Ordering::Greater), None));
        assert!((Rule::for_comparisons(4).confidence() - 0.9875).abs() < 1e-12);
        assert_eq!(Rule::for_comparisons(0), Rule::for_comparisons(1));
    }

    #[test]
    fn is_silent_where_nothing_is_known() {
        let rule = Rule::for_comparisons(1);
        let few = summary(&[1.0, 2.0]);
        assert_eq!(rule.ratio(&few, &few).unwrap().interval, None);
        assert_eq!(rule.ratio(&few, &summary(&[0.0, 0.0, 0.0])), None);
        let equal = |value: f64| summary(&[value; 3]);
        let half = rule.ratio(&equal(2.0), &equal(4.0)).unwrap();
        assert_eq!((half.interval, half.difference()), (Some((0.5, 0.5)), Some(Ordering::Less)));
        assert_eq!(rule.ratio(&equal(2.01), &equal(2.0)).unwrap().difference(), None, "too small to matter");
    }
}
