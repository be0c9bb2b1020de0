//! What was measured, and what follows from it.

use super::allocators::{BASE, OWN};
use super::measure::Measurement;
use super::workloads::Group;
use crate::measure::machine::Machine;
use crate::measure::significance::{ENOUGH, Rule};
use crate::measure::statistics::{Spread, Summary, geometric_mean};
use crate::output::counted;
use serde::Serialize;

/// A workload under an allocator.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell {
    /// The runs that ended well.
    pub runs: Vec<Measurement>,
    /// Why the last one did not, if so.
    pub failure: Option<String>,
}

impl Cell {
    /// The spread of something over the runs; `None` if one of them failed.
    pub fn spread(&self, of: impl Fn(&Measurement) -> f64) -> Option<Spread> {
        (self.failure.is_none() && !self.runs.is_empty()).then(|| Spread::of(self.runs.iter().map(of)))
    }

    /// The times of the runs; `None` if one of them failed, or there are too few to tell a difference from chance.
    fn times(&self) -> Option<Summary> {
        let times: Vec<f64> = self.runs.iter().map(|measured| Figure::Time.of(measured)).collect();
        Summary::of(&times).filter(|summary| self.failure.is_none() && summary.count >= ENOUGH)
    }
}

/// A workload under all allocators.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub workload: String,
    /// Its kind.
    pub group: Group,
    /// In the order of [`Results::allocators`].
    pub cells: Vec<Cell>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// Runs of each.
    pub runs: u32,
    /// Someone pressed Ctrl-C: the last workload has fewer, and those that were to follow have none.
    pub is_interrupted: bool,
    /// The columns.
    pub allocators: Vec<String>,
    /// The workloads.
    pub rows: Vec<Row>,
}

/// Which of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Seconds.
    Time,
    /// KiB.
    Memory,
}

impl Figure {
    fn of(self, measured: &Measurement) -> f64 {
        match self {
            Self::Time => measured.time,
            Self::Memory => measured.rss as f64,
        }
    }
}

/// How our own allocator does against the best peer of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The peer.
    pub peer: String,
    /// Our mean to the peer's.
    pub ratio: f64,
    /// Whether the runs show that the ratio is not 1.
    pub is_shown: bool,
}

impl Results {
    /// How often everything was run.
    pub fn runs_in_words(&self) -> String {
        let rest = if self.is_interrupted { "; interrupted: fewer of the last workload, none of others" } else { "" };
        format!("{} each, medians{rest}", counted(self.runs.into(), "run"))
    }

    /// A workload's spread under an allocator.
    pub fn spread(&self, row: &Row, allocator: usize, figure: Figure) -> Option<Spread> {
        row.cells[allocator].spread(|measured| figure.of(measured))
    }

    /// The number of cells with a run that failed.
    pub fn failures(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.failure.is_some()).count()
    }

    /// The column of an allocator.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.allocators.iter().position(|allocator| allocator == name)
    }

    /// Our own allocator against the best of the others in time; nothing if it takes more runs to tell a difference from chance.
    pub fn verdict(&self, row: &Row) -> Option<Verdict> {
        let mine = row.cells[self.column(OWN)?].times()?;
        let (peer, best) = self.peers(row).min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))?;
        let ratio = self.rule().ratio(&mine, &best)?;
        let peer = self.allocators[peer].clone();
        Some(Verdict { peer, ratio: ratio.value, is_shown: ratio.difference().is_some() })
    }

    /// The others' times, of those that have enough runs.
    fn peers(&self, row: &Row) -> impl Iterator<Item = (usize, Summary)> {
        let times = row.cells.iter().enumerate().filter_map(|(index, cell)| Some((index, cell.times()?)));
        times.filter(|&(index, _)| self.allocators[index] != OWN)
    }

    /// The rule for all verdicts together: a workload's best peer is one of many that it was compared with.
    fn rule(&self) -> Rule {
        let own = self.column(OWN);
        let compared = self.rows.iter().filter(|row| own.is_some_and(|own| row.cells[own].times().is_some()));
        Rule::for_comparisons(compared.map(|row| self.peers(row).count()).sum())
    }

    /// The geometric mean over workloads of an allocator's figure, as a ratio to `base`'s, for those of `group` (or all)
    /// that ran under both.
    pub fn mean_ratio(&self, allocator: usize, base: usize, figure: Figure, group: Option<Group>) -> f64 {
        let rows = self.rows.iter().filter(|row| group.is_none_or(|group| row.group == group));
        geometric_mean(rows.filter_map(|row| {
            let (a, b) = (self.spread(row, allocator, figure)?, self.spread(row, base, figure)?);
            Some(a.median / b.median)
        }))
    }

    /// The column that ratios are taken to: the system's, or the first.
    pub fn base(&self) -> usize {
        self.column(BASE).unwrap_or(0)
    }

    /// The peer with the smallest geometric mean of time.
    pub fn best_peer(&self) -> Option<usize> {
        let mean = |&index: &usize| self.mean_ratio(index, self.base(), Figure::Time, None);
        let peers = (0..self.allocators.len()).filter(|&index| self.allocators[index] != OWN);
        peers.min_by(|a, b| mean(a).total_cmp(&mean(b)))
    }

    /// What the whole comparison says, in lines.
    pub fn summary(&self) -> Vec<String> {
        let (Some(own), Some(best)) = (self.column(OWN), self.best_peer()) else { return Vec::new() };
        let time = self.mean_ratio(own, best, Figure::Time, None);
        let memory = self.mean_ratio(own, self.base(), Figure::Memory, None);
        let count =
            |test: fn(&Verdict) -> bool| self.rows.iter().filter_map(|row| self.verdict(row)).filter(test).count();
        let verdicts = if (self.runs as usize) < ENOUGH {
            format!("no verdict: it takes {ENOUGH} runs of each (-n {ENOUGH}) to tell a difference from chance")
        } else {
            format!(
                "against the best peer of each workload: faster in {}, slower in {}, no difference shown in {}",
                count(|verdict| verdict.is_shown && verdict.ratio < 1.0),
                count(|verdict| verdict.is_shown && verdict.ratio > 1.0),
                count(|verdict| !verdict.is_shown),
            )
        };
        vec![
            format!("time: {time:.3} × {} (geometric mean; the best single peer)", self.allocators[best]),
            format!("memory: {memory:.3} × {} (geometric mean)", self.allocators[self.base()]),
            verdicts,
        ]
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two workloads under xalloc, the system's malloc and a peer; times in seconds, memory in KiB.
    pub fn example() -> Results {
        let cell = |times: &[f64], rss| Cell {
            runs: times
                .iter()
                .map(|&time| Measurement {
                    time,
                    wall: time,
                    cpu: time,
                    rss,
                    faults: 1,
                    switches: 0,
                    notes: Vec::new(),
                })
                .collect(),
            failure: None,
        };
        let row = |name: &str, group, cells| Row { workload: name.into(), group, cells };
        Results {
            machine: Machine {
                processor: "a processor".into(),
                processors: 2,
                kernel: "6.1".into(),
                huge_pages: "madvise".into(),
            },
            runs: 3,
            is_interrupted: false,
            allocators: vec!["xalloc".into(), "system".into(), "peer".into()],
            rows: vec![
                row(
                    "small",
                    Group::Synthetic,
                    vec![cell(&[1.0, 1.1, 0.9], 100), cell(&[4.0, 4.0, 4.1], 100), cell(&[2.0, 2.1, 1.9], 200)],
                ),
                row(
                    "large",
                    Group::Program,
                    vec![cell(&[1.0, 1.2, 0.9], 400), cell(&[1.0, 1.1, 1.0], 100), cell(&[2.0, 2.0, 2.0], 100)],
                ),
            ],
        }
    }

    #[test]
    fn judges_only_what_is_more_than_chance() {
        let results = example();
        let small = results.verdict(&results.rows[0]).unwrap();
        assert_eq!((small.peer.as_str(), small.is_shown), ("peer", true));
        assert!((small.ratio - 0.5).abs() < 1e-12);
        let large = results.verdict(&results.rows[1]).unwrap();
        assert_eq!((large.peer.as_str(), large.is_shown), ("system", false));
    }

    /// By chance, the middle halves of three runs each are apart in a third of all cases.
    #[test]
    fn runs_that_are_apart_by_chance_show_nothing() {
        let mut results = example();
        for (cell, times) in results.rows[0].cells.iter_mut().zip([[1.0, 1.02, 1.04], [2.0; 3], [1.03, 1.05, 1.07]]) {
            cell.runs.iter_mut().zip(times).for_each(|(run, time)| run.time = time);
        }
        let verdict = results.verdict(&results.rows[0]).unwrap();
        assert_eq!((verdict.peer.as_str(), verdict.is_shown), ("peer", false));
    }

    /// Each workload and each peer is one more chance to find a difference that is none.
    #[test]
    fn all_peers_and_workloads_count_as_comparisons() {
        let mut results = example();
        assert_eq!(results.rule(), Rule::for_comparisons(4));
        results.rows[1].cells[1].failure = Some("crashed".into());
        assert_eq!(results.rule(), Rule::for_comparisons(3));
        results.rows[0].cells[0].runs.truncate(2);
        assert_eq!(results.rule(), Rule::for_comparisons(1));
    }

    #[test]
    fn gives_no_verdict_on_two_runs() {
        let mut results = example();
        results.runs = 2;
        results.rows.iter_mut().flat_map(|row| &mut row.cells).for_each(|cell| cell.runs.truncate(2));
        assert_eq!(results.verdict(&results.rows[0]), None);
        assert!(results.summary()[2].starts_with("no verdict: it takes 3 runs"), "{:?}", results.summary());
    }

    #[test]
    fn sums_up() {
        let mut results = example();
        // peer: 2/4 and 2/1; system: 1 and 1.
        assert!((results.mean_ratio(2, 1, Figure::Time, None) - 1.0).abs() < 1e-9);
        assert!((results.mean_ratio(0, 1, Figure::Memory, None) - 2.0).abs() < 1e-9);
        assert!((results.mean_ratio(0, 1, Figure::Time, Some(Group::Synthetic)) - 0.25).abs() < 1e-9);
        assert!(results.summary()[2].contains("faster in 1, slower in 0, no difference shown in 1"));
        results.rows[0].cells[0].failure = Some("crashed".into());
        assert_eq!(results.failures(), 1);
        assert_eq!(results.verdict(&results.rows[0]), None);
    }
}
