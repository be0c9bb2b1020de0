//! The measurements, and the conclusions from them.

use super::allocators::{BASE, OWN};
use super::measure::Measurement;
use super::workloads::Group;
use crate::measure::machine::Machine;
use crate::measure::significance::{ENOUGH, Rule};
use crate::measure::statistics::{Spread, Summary, geometric_mean};
use crate::output::counted;
use serde::Serialize;

/// The runs of a workload under an allocator.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell {
    /// The runs that ended well.
    pub runs: Vec<Measurement>,
    /// Why the last run failed, if it did.
    pub failure: Option<String>,
}

impl Cell {
    /// Returns the spread of a value over the runs; `None` if one of them failed.
    pub fn spread(&self, of: impl Fn(&Measurement) -> f64) -> Option<Spread> {
        (self.failure.is_none() && !self.runs.is_empty()).then(|| Spread::of(self.runs.iter().map(of)))
    }

    /// Returns the times of the runs; `None` if one of them failed, or if they are too few to tell a difference from chance.
    fn times(&self) -> Option<Summary> {
        let times: Vec<f64> = self.runs.iter().map(|measured| Figure::Time.of(measured)).collect();
        Summary::of(&times).filter(|summary| self.failure.is_none() && summary.count >= ENOUGH)
    }
}

/// The runs of a workload under all allocators.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// The workload's kind.
    pub group: Group,
    /// The runs under each allocator, in the order of [`Results::allocators`].
    pub cells: Vec<Cell>,
}

/// The result of the whole comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// The machine on which it was measured.
    pub machine: Machine,
    /// The number of runs of each workload under each allocator.
    pub runs: u32,
    /// Whether the user pressed Ctrl-C. Then the last workload has fewer runs, and those behind it have none.
    pub is_interrupted: bool,
    /// The allocators, which are the columns of the tables.
    pub allocators: Vec<String>,
    /// The workloads, which are the rows of the tables.
    pub rows: Vec<Row>,
}

/// One of the two figures that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Time in seconds.
    Time,
    /// Memory in KiB.
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

/// The comparison of our own allocator with the best peer of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The peer's name.
    pub peer: String,
    /// The ratio of our mean to the peer's.
    pub ratio: f64,
    /// Whether the runs show that the ratio is not 1.
    pub is_shown: bool,
}

impl Results {
    /// Returns how often every workload was run, in words.
    pub fn runs_in_words(&self) -> String {
        let rest = if self.is_interrupted { "; interrupted: fewer of the last workload, none of others" } else { "" };
        format!("{} each, medians{rest}", counted(self.runs.into(), "run"))
    }

    /// Returns the spread of a workload under an allocator.
    pub fn spread(&self, row: &Row, allocator: usize, figure: Figure) -> Option<Spread> {
        row.cells[allocator].spread(|measured| figure.of(measured))
    }

    /// Returns the number of cells with a run that failed.
    pub fn failures(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).filter(|cell| cell.failure.is_some()).count()
    }

    /// Returns the column of an allocator.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.allocators.iter().position(|allocator| allocator == name)
    }

    /// Returns the comparison of our own allocator with the best peer in time; `None` if there are too few runs to tell a
    /// difference from chance.
    pub fn verdict(&self, row: &Row) -> Option<Verdict> {
        let mine = row.cells[self.column(OWN)?].times()?;
        let (peer, best) = self.peers(row).min_by(|(_, a), (_, b)| a.mean.total_cmp(&b.mean))?;
        let ratio = self.rule().ratio(&mine, &best)?;
        let peer = self.allocators[peer].clone();
        Some(Verdict { peer, ratio: ratio.value, is_shown: ratio.difference().is_some() })
    }

    /// Returns the peers' times, for those that have enough runs.
    fn peers(&self, row: &Row) -> impl Iterator<Item = (usize, Summary)> {
        let times = row.cells.iter().enumerate().filter_map(|(index, cell)| Some((index, cell.times()?)));
        times.filter(|&(index, _)| self.allocators[index] != OWN)
    }

    /// Returns the rule for all comparisons together: the best peer of a workload is one of many with which ours was compared.
    fn rule(&self) -> Rule {
        let own = self.column(OWN);
        let compared = self.rows.iter().filter(|row| own.is_some_and(|own| row.cells[own].times().is_some()));
        Rule::for_comparisons(compared.map(|row| self.peers(row).count()).sum())
    }

    /// Returns the geometric mean over the workloads of the ratio of an allocator's figure to that of `base`. Only those of
    /// `group` (or all) that ran under both count.
    pub fn mean_ratio(&self, allocator: usize, base: usize, figure: Figure, group: Option<Group>) -> f64 {
        let rows = self.rows.iter().filter(|row| group.is_none_or(|group| row.group == group));
        geometric_mean(rows.filter_map(|row| {
            let (a, b) = (self.spread(row, allocator, figure)?, self.spread(row, base, figure)?);
            Some(a.median / b.median)
        }))
    }

    /// Returns the column to which ratios refer: the system's malloc, or the first.
    pub fn base(&self) -> usize {
        self.column(BASE).unwrap_or(0)
    }

    /// Returns the peer with the smallest geometric mean of time.
    pub fn best_peer(&self) -> Option<usize> {
        let mean = |&index: &usize| self.mean_ratio(index, self.base(), Figure::Time, None);
        let peers = (0..self.allocators.len()).filter(|&index| self.allocators[index] != OWN);
        peers.min_by(|a, b| mean(a).total_cmp(&mean(b)))
    }

    /// Returns the lines of the summary.
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
