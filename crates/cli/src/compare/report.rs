//! What was measured and what follows from it, in the form that all outputs are made of.

use super::candidates::BASE;
use super::figure::Figure;
use super::sample::{Failure, Sample};
use super::schedule::Row;
use crate::measure::machine::Machine;
use crate::measure::statistics::{Ratio, Summary};
use serde::Serialize;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// How sure all statements of a difference are together.
const CONFIDENCE: f64 = 0.95;
/// A difference below this part is none that anyone would choose an allocator for.
const NEGLIGIBLE: f64 = 0.01;

/// What was compared, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Setup {
    /// The version of this command.
    pub version: &'static str,
    /// The beginning, in UTC.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What gives a server work.
    pub load: Option<String>,
    /// What `--metric` is called.
    pub metric: Option<String>,
    /// Runs of each that count.
    pub runs: u32,
    /// Runs before them that do not.
    pub warmup: u32,
    /// The figure that decides, if one was chosen.
    pub by: Option<By>,
    /// Whether the memory of all processes together was asked for.
    pub tree: bool,
    /// Seconds after a server's load at which its memory was asked for.
    pub settle: Option<f64>,
    /// Differences that are too small to matter.
    pub negligible: Negligible,
}

/// The figure that a verdict goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Time, or the metric.
    Time,
    /// Processor time.
    Cpu,
    /// Peak memory.
    Memory,
}

/// Differences from the base that nobody would choose an allocator for, however sure they are, beside those of less than 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Negligible {
    /// Of times, in seconds.
    pub time: f64,
    /// Of memory, in KiB.
    pub memory: f64,
}

impl Negligible {
    /// Whether a figure that is `difference` apart is as good as equal.
    fn holds(&self, figure: Figure, difference: f64) -> bool {
        (figure.is_time() && difference.abs() < self.time) || (figure.is_memory() && difference.abs() < self.memory)
    }
}

/// A figure of a candidate over all its runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Statistic {
    /// Its values.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its mean in parts of the base's.
    pub ratio: Option<Ratio>,
}

/// Whether a candidate differs from the base in a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does, for the better.
    Better,
    /// It does, for the worse.
    Worse,
    /// None was shown.
    NoDifference,
    /// Too few runs to say.
    Unknown,
}

/// A candidate.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What is set in its environment.
    pub settings: Vec<String>,
    /// Why it has no statistics, if so.
    pub failure: Option<Failure>,
    /// By [`Figure::key`].
    pub statistics: BTreeMap<&'static str, Statistic>,
    /// Against the base: time (or the metric) and memory, by the figure's key.
    pub verdicts: BTreeMap<&'static str, Verdict>,
    /// Every run.
    pub samples: Vec<Sample>,
}

/// Everything.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was compared.
    #[serde(flatten)]
    pub setup: Setup,
    /// How sure each interval is: all of them together are so with 95 %.
    pub confidence: f64,
    /// The candidates.
    pub rows: Vec<Entry>,
    /// What is to be known of the numbers.
    pub notes: Vec<String>,
    /// What it comes to, in words.
    pub verdict: Vec<String>,
}

impl Report {
    /// Puts it together.
    pub fn new(setup: Setup, rows: Vec<Row>, notes: Vec<String>) -> Self {
        let base = rows.iter().position(|row| row.candidate.name == BASE).expect("it is always chosen");
        let bases = summaries(&rows[base]);
        let judged: Vec<Figure> = judged(&setup).filter(|figure| bases.contains_key(figure.key())).collect();
        // Bonferroni's: of many comparisons, some of each candidate, some would show a difference by chance.
        let compared = rows.iter().filter(|row| row.failure.is_none()).count().saturating_sub(1).max(1);
        let confidence = 1.0 - (1.0 - CONFIDENCE) / (judged.len().max(1) * compared) as f64;
        let entries = rows.into_iter().map(|row| entry(row, &bases, &judged, confidence, setup.negligible)).collect();
        let mut report = Self { setup, confidence, rows: entries, notes, verdict: Vec::new() };
        if report.setup.by.is_some() {
            report.sort();
        }
        report.notes.extend(report.outliers());
        report.verdict = super::verdict::words(&report);
        report
    }

    /// The candidate that all others are compared with.
    pub fn base(&self) -> &Entry {
        self.rows.iter().find(|row| row.name == BASE).expect("it is always chosen")
    }

    /// Puts the best first, and what failed last.
    fn sort(&mut self) {
        let figure = self.deciding();
        let cost = |row: &Entry| {
            let mean = row.statistic(figure).map_or(f64::INFINITY, |statistic| statistic.summary.mean);
            if figure.is_gain() && mean.is_finite() { -mean } else { mean }
        };
        self.rows.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    }

    /// What speed is: the metric if there is one, otherwise time.
    pub fn speed(&self) -> Figure {
        self.setup.speed()
    }

    /// The figure that decides: speed, unless another one was chosen. Memory is that of all processes, if it was watched.
    pub fn deciding(&self) -> Figure {
        match self.setup.by {
            None | Some(By::Time) => self.speed(),
            Some(By::Cpu) => Figure::Cpu,
            Some(By::Memory) if self.judged().contains(&Figure::Tree) => Figure::Tree,
            Some(By::Memory) => Figure::Memory,
        }
    }

    /// The figures that candidates are compared in, of which there are numbers or that were asked for by an option.
    pub fn judged(&self) -> Vec<Figure> {
        judged(&self.setup)
            .filter(|figure| figure.is_optional() || self.base().statistics.contains_key(figure.key()))
            .collect()
    }

    /// The figures that anybody has.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        Figure::all().filter(|figure| self.rows.iter().any(|row| row.statistics.contains_key(figure.key())))
    }

    /// The name of a figure in this comparison.
    pub fn name(&self, figure: Figure) -> &str {
        match (figure, &self.setup.metric) {
            (Figure::Metric, Some(name)) => name,
            (Figure::Time, _) if self.setup.load.is_some() => "time of the load",
            _ => figure.name(),
        }
    }

    /// The value that a figure's unit is chosen by.
    pub fn typical(&self, figure: Figure) -> f64 {
        let all = || self.rows.iter().filter_map(|row| Some(row.statistic(figure)?.summary.mean));
        self.base().statistic(figure).map_or_else(|| all().fold(0.0, f64::max), |statistic| statistic.summary.mean)
    }

    /// The candidate with the best mean of a figure, if not all have the same.
    pub fn best(&self, figure: Figure) -> Option<&Entry> {
        let rows = || self.rows.iter().filter_map(|row| Some((row, row.statistic(figure)?.summary.mean)));
        let (least, most) = (rows().min_by(|a, b| a.1.total_cmp(&b.1))?, rows().max_by(|a, b| a.1.total_cmp(&b.1))?);
        let best = if figure.is_gain() { most } else { least };
        (least.1 < most.1).then_some(best.0)
    }

    fn outliers(&self) -> Option<String> {
        let named = self.rows.iter().filter_map(|row| {
            let count = row.statistic(Figure::Time)?.summary.outliers;
            (count > 0).then(|| format!("{} ({count})", row.name))
        });
        let named: Vec<String> = named.collect();
        (!named.is_empty()).then(|| {
            format!(
                "outliers: {}. Single runs took a time far from the others; something else may have kept the machine \
                 busy. Run again on a quiet machine, or with more runs (-n)",
                named.join(", ")
            )
        })
    }
}

impl Setup {
    fn speed(&self) -> Figure {
        if self.metric.is_some() { Figure::Metric } else { Figure::Time }
    }
}

/// Speed (a metric takes the place of the time), memory, and what was asked for beside them.
fn judged(setup: &Setup) -> impl Iterator<Item = Figure> {
    let cpu = (setup.by == Some(By::Cpu)).then_some(Figure::Cpu);
    let tree = setup.tree.then_some(Figure::Tree);
    let settled = setup.settle.map(|_| Figure::Settled);
    [setup.speed()].into_iter().chain(cpu).chain([Figure::Memory]).chain(tree).chain(settled)
}

impl Entry {
    /// A figure's statistic, if the candidate has one.
    pub fn statistic(&self, figure: Figure) -> Option<&Statistic> {
        self.statistics.get(figure.key())
    }

    /// Its verdict in a figure.
    pub fn verdict(&self, figure: Figure) -> Verdict {
        self.verdicts.get(figure.key()).copied().unwrap_or(Verdict::Unknown)
    }

    /// Whether it is the base.
    pub fn is_base(&self) -> bool {
        self.name == BASE
    }
}

fn summaries(row: &Row) -> BTreeMap<&'static str, Summary> {
    if row.failure.is_some() {
        return BTreeMap::new();
    }
    let summary = |figure: Figure| {
        let values: Option<Vec<f64>> = row.samples.iter().map(|sample| figure.of(sample)).collect();
        Some((figure.key(), Summary::of(&values?)?))
    };
    Figure::all().filter_map(summary).collect()
}

fn entry(
    row: Row,
    bases: &BTreeMap<&'static str, Summary>,
    judged: &[Figure],
    confidence: f64,
    negligible: Negligible,
) -> Entry {
    let with_ratio = |(key, summary): (&'static str, Summary)| {
        let ratio = bases.get(key).and_then(|base| summary.ratio(base, confidence));
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
    match ratio.map(|ratio| (ratio.interval, ratio.difference(NEGLIGIBLE))) {
        None | Some((None, _)) => Verdict::Unknown,
        Some((_, None)) => Verdict::NoDifference,
        Some((_, Some(order))) if (order == Ordering::Greater) == figure.is_gain() => Verdict::Better,
        Some(_) => Verdict::Worse,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::catalogue::candidate::Candidate;
    use crate::measure::process::Usage;

    /// A report of candidates with their times in seconds and their memory in KiB.
    pub fn example(rows: &[(&str, &[f64], &[i64])]) -> Report {
        let rows = rows.iter().map(|&(name, times, sizes)| Row {
            candidate: Candidate { name: name.into(), ..Candidate::default() },
            samples: times
                .iter()
                .zip(sizes)
                .map(|(&wall, &rss)| Sample {
                    usage: Usage { wall, rss, user: wall, ..Usage::default() },
                    ..Sample::default()
                })
                .collect(),
            failure: times.is_empty().then(|| Failure::of("exit 1 where system has 0", "out of <luck>\n")),
        });
        let setup = Setup {
            version: "0",
            date: "2026-01-01T00:00:00Z".into(),
            machine: Machine {
                processor: "a processor".into(),
                processors: 2,
                kernel: "6.1".into(),
                huge_pages: "madvise".into(),
            },
            command: vec!["prog".into(), "a<b".into()],
            load: None,
            metric: None,
            runs: 4,
            warmup: 1,
            by: None,
            tree: false,
            settle: None,
            negligible: Negligible::default(),
        };
        Report::new(setup, rows.collect(), Vec::new())
    }

    /// One that is faster and larger, one like the base, one that fails.
    pub fn mixed() -> Report {
        example(&[
            ("system", &[1.0, 1.02, 0.98, 1.01], &[1000, 1004, 996, 1000]),
            ("quick", &[0.80, 0.81, 0.79, 0.80], &[1500, 1504, 1500, 1496]),
            ("same", &[1.01, 0.99, 1.0, 1.02], &[1000, 1000, 1004, 1000]),
            ("broken", &[], &[]),
        ])
    }

    #[test]
    fn judges_what_is_apart_and_nothing_else() {
        let report = mixed();
        let verdicts = |name: &str| {
            let row = report.rows.iter().find(|row| row.name == name).unwrap();
            (row.verdict(Figure::Time), row.verdict(Figure::Memory))
        };
        assert_eq!(verdicts("quick"), (Verdict::Better, Verdict::Worse));
        assert_eq!(verdicts("same"), (Verdict::NoDifference, Verdict::NoDifference));
        assert_eq!(verdicts("broken"), (Verdict::Unknown, Verdict::Unknown));
        assert!(report.rows[3].statistics.is_empty());
        assert_eq!(report.best(Figure::Time).unwrap().name, "quick");
        assert!((report.confidence - 0.9875).abs() < 1e-12, "two candidates are compared in two figures");
    }

    #[test]
    fn a_difference_below_the_threshold_is_none() {
        let rows = || -> Vec<Row> {
            let row = |name: &str, wall: f64, rss: i64| Row {
                candidate: Candidate { name: name.into(), ..Candidate::default() },
                samples: vec![Sample { usage: Usage { wall, rss, ..Usage::default() }, ..Sample::default() }; 3],
                failure: None,
            };
            vec![row("system", 0.001, 1000), row("other", 0.0005, 800)]
        };
        let setup = mixed().setup;
        let verdicts = |time: f64, memory: f64| {
            let setup = Setup { negligible: Negligible { time, memory }, ..setup.clone() };
            let report = Report::new(setup, rows(), Vec::new());
            (report.rows[1].verdict(Figure::Time), report.rows[1].verdict(Figure::Memory))
        };
        assert_eq!(verdicts(0.0, 0.0), (Verdict::Better, Verdict::Better));
        assert_eq!(verdicts(0.001, 0.0), (Verdict::NoDifference, Verdict::Better));
        assert_eq!(verdicts(0.0, 256.0), (Verdict::Better, Verdict::NoDifference));
    }

    #[test]
    fn the_figure_that_decides_sorts() {
        let by = |by: By| {
            let mixed = mixed();
            let rows = mixed.rows.into_iter().map(|row| Row {
                candidate: Candidate { name: row.name, ..Candidate::default() },
                samples: row.samples,
                failure: row.failure,
            });
            let report = Report::new(Setup { by: Some(by), ..mixed.setup }, rows.collect(), Vec::new());
            let names: Vec<String> = report.rows.iter().map(|row| row.name.clone()).collect();
            (names.join(" "), report.verdict.last().cloned().unwrap())
        };
        assert_eq!(
            by(By::Time),
            ("quick system same broken".into(), "recommended by time: quick: 20 % less time, 50 % more memory".into())
        );
        assert!(by(By::Memory).0.ends_with("quick broken"));
        assert_eq!(by(By::Memory).1, "recommended by peak memory: system: no candidate is shown to be better");
        assert!(by(By::Cpu).1.starts_with("recommended by processor time: quick: "));
    }

    #[test]
    fn gives_no_verdict_on_two_runs() {
        let report = example(&[("system", &[1.0, 1.0], &[9, 9]), ("half", &[0.5, 0.5], &[9, 9])]);
        assert_eq!(report.rows[1].verdict(Figure::Time), Verdict::Unknown);
    }

    #[test]
    fn warns_of_outliers() {
        let calm: &[f64] = &[1.0, 1.1, 0.9, 1.05, 0.95, 30.0];
        let report = example(&[("system", calm, &[9; 6])]);
        assert!(report.notes[0].contains("system (1)"), "{:?}", report.notes);
    }
}
