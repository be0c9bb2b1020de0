//! The one rule of this command for whether a difference is real: `bench` and `compare` judge by it.
//!
//! The measured ratio of two means is not the true one. The true one lies in an interval around it: Welch's (unequal variances,
//! Student's quantiles), for the difference of the means' logarithms, to first order. The runs show a difference if that
//! interval does not contain 1, and the ratio is not [`NEGLIGIBLE`]. Of many comparisons, some would show a difference by
//! chance. So each interval is as wide as Bonferroni's correction asks for: all of them together are right with
//! [`CONFIDENCE`].
//!
//! A simpler rule asks whether the middle halves of the runs overlap. It says a difference far too often: of two times three
//! runs of the same program, normally distributed, the middle halves are apart in 34 of 100 cases, of two times five in 21.

use super::statistics::Summary;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::cmp::Ordering;

/// Fewer values than this say nothing about their spread.
pub const ENOUGH: usize = 3;
/// How sure all statements of a difference are together.
const CONFIDENCE: f64 = 0.95;
/// A difference below this part is none that anyone would choose an allocator for.
const NEGLIGIBLE: f64 = 0.01;

/// The rule, for a certain number of comparisons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    confidence: f64,
}

impl Rule {
    /// The rule where there are so many comparisons, of which the reader sees all or the most striking.
    pub fn for_comparisons(count: usize) -> Self {
        Self { confidence: 1.0 - (1.0 - CONFIDENCE) / count.max(1) as f64 }
    }

    /// How sure each interval is.
    pub fn confidence(self) -> f64 {
        self.confidence
    }

    /// The mean of `own` in parts of `base`'s; none if that one is zero, or either is below it.
    pub fn ratio(self, own: &Summary, base: &Summary) -> Option<Ratio> {
        if base.mean <= 0.0 || own.mean <= 0.0 {
            return None;
        }
        let value = own.mean / base.mean;
        let deviations = own.deviation.zip(base.deviation);
        let deviation = deviations.map(|(a, b)| value * (a / own.mean).hypot(b / base.mean));
        Some(Ratio { value, deviation, interval: self.interval(own, base) })
    }

    /// The interval of the ratio; none of too few values.
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

/// The square of the mean's standard error, in parts of the mean.
fn relative_variance(values: &Summary) -> Option<f64> {
    Some((values.deviation? / values.mean).powi(2) / values.count as f64)
}

/// One mean in parts of another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// What it is.
    pub value: f64,
    /// The standard deviations of both, propagated: how far single runs are from it; none if there is a single one of either.
    pub deviation: Option<f64>,
    /// Where the true ratio is, as sure as the rule asks for; none of too few values.
    pub interval: Option<(f64, f64)>,
}

impl Ratio {
    /// Whether it is above or below 1, as far as that was shown; `None` if it was not.
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
