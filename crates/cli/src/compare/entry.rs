//! A candidate's figures over all its runs, and their comparison with the base's.

use super::candidates::BASE;
use super::figure::Figure;
use super::sample::{Failure, Sample};
use super::schedule::Row;
use super::setup::Negligible;
use crate::measure::significance::{Ratio, Rule};
use crate::measure::statistics::Summary;
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A figure of a candidate over all its runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Statistic {
    /// The summary of its values.
    #[serde(flatten)]
    pub summary: Summary,
    /// The ratio of its mean to the base's.
    pub ratio: Option<Ratio>,
}

/// The verdict on a candidate's difference from the base in a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is better.
    Better,
    /// It is worse.
    Worse,
    /// No difference was shown.
    NoDifference,
    /// There are too few runs to say.
    Unknown,
}

/// A candidate and its results.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The candidate's name.
    pub name: String,
    /// The variables that are set in its environment.
    pub settings: Vec<String>,
    /// The reason why it has no statistics, if it has none.
    pub failure: Option<Failure>,
    /// Its statistics, by [`Figure::key`].
    pub statistics: BTreeMap<&'static str, Statistic>,
    /// Its verdicts against the base in time (or the metric) and memory, by the figure's key.
    pub verdicts: BTreeMap<&'static str, Verdict>,
    /// All its runs.
    pub samples: Vec<Sample>,
}

impl Entry {
    /// Returns the statistic of a figure, if the candidate has one.
    pub fn statistic(&self, figure: Figure) -> Option<&Statistic> {
        self.statistics.get(figure.key())
    }

    /// Returns the verdict in a figure.
    pub fn verdict(&self, figure: Figure) -> Verdict {
        self.verdicts.get(figure.key()).copied().unwrap_or(Verdict::Unknown)
    }

    /// Returns whether it is the base.
    pub fn is_base(&self) -> bool {
        self.name == BASE
    }
}

/// Returns the summary of every figure that all runs of a candidate have.
pub fn summaries(row: &Row) -> BTreeMap<&'static str, Summary> {
    if row.failure.is_some() {
        return BTreeMap::new();
    }
    let summary = |figure: Figure| {
        let values: Option<Vec<f64>> = row.samples.iter().map(|sample| figure.of(sample)).collect();
        Some((figure.key(), Summary::of(&values?)?))
    };
    Figure::all().filter_map(summary).collect()
}

/// Returns a candidate's statistics against the base's, with its verdicts in the figures that are `judged`.
pub fn entry(
    row: Row,
    bases: &BTreeMap<&'static str, Summary>,
    judged: &[Figure],
    rule: Rule,
    negligible: Negligible,
) -> Entry {
    let with_ratio = |(key, summary): (&'static str, Summary)| {
        let ratio = bases.get(key).and_then(|base| rule.ratio(&summary, base));
        (key, Statistic { summary, ratio })
    };
    let statistics: BTreeMap<_, _> = summaries(&row).into_iter().map(with_ratio).collect();
    let verdict = |&figure: &Figure| {
        let (statistic, base) = (statistics.get(figure.key())?, bases.get(figure.key())?);
        let verdict = match judge(figure, statistic.ratio.as_ref()) {
            Verdict::Better | Verdict::Worse if negligible.holds(figure, statistic.summary.mean - base.mean) => {
                Verdict::NoDifference
            }
            verdict => verdict,
        };
        Some((figure.key(), verdict))
    };
    let is_base = row.candidate.name == BASE;
    let verdicts = judged.iter().filter(|_| !is_base).filter_map(verdict).collect();
    let Row { candidate, samples, failure } = row;
    Entry { settings: candidate.settings(), name: candidate.name, failure, statistics, verdicts, samples }
}

fn judge(figure: Figure, ratio: Option<&Ratio>) -> Verdict {
    match ratio.map(|ratio| (ratio.interval, ratio.difference())) {
        None | Some((None, _)) => Verdict::Unknown,
        Some((_, None)) => Verdict::NoDifference,
        Some((_, Some(order))) if (order == Ordering::Greater) == figure.is_gain() => Verdict::Better,
        Some(_) => Verdict::Worse,
    }
}
