//! The measurements and the conclusions from them, in the form from which all outputs are made.

use super::candidates::BASE;
use super::entry::{Entry, entry, summaries};
use super::figure::Figure;
use super::schedule::Row;
use super::setup::{By, Setup};
use crate::measure::significance::Rule;
use serde::Serialize;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was compared, and how.
    #[serde(flatten)]
    pub setup: Setup,
    /// The confidence of each interval, so that all of them together have 95 %.
    pub confidence: f64,
    /// The candidates and their results.
    pub rows: Vec<Entry>,
    /// The notes on the numbers.
    pub notes: Vec<String>,
}

impl Report {
    /// Returns the report on these rows.
    pub fn new(setup: Setup, rows: Vec<Row>, notes: Vec<String>) -> Self {
        let base = rows.iter().position(|row| row.candidate.name == BASE).expect("it is always chosen");
        let bases = summaries(&rows[base]);
        let judged: Vec<Figure> = setup.judged().filter(|figure| bases.contains_key(figure.key())).collect();
        let compared = rows.iter().filter(|row| row.failure.is_none()).count().saturating_sub(1);
        let rule = Rule::for_comparisons(judged.len() * compared);
        let entries = rows.into_iter().map(|row| entry(row, &bases, &judged, rule, setup.negligible)).collect();
        let mut report = Self { setup, confidence: rule.confidence(), rows: entries, notes };
        if report.setup.by.is_some() {
            report.sort();
        }
        report.notes.extend(report.outliers());
        report
    }

    /// Returns the candidate with which all others are compared.
    pub fn base(&self) -> &Entry {
        self.rows.iter().find(|row| row.name == BASE).expect("it is always chosen")
    }

    /// Puts the best candidate first, and the failed ones last.
    fn sort(&mut self) {
        let figure = self.deciding();
        let cost = |row: &Entry| {
            let mean = row.statistic(figure).map_or(f64::INFINITY, |statistic| statistic.summary.mean);
            if figure.is_gain() && mean.is_finite() { -mean } else { mean }
        };
        self.rows.sort_by(|a, b| cost(a).total_cmp(&cost(b)));
    }

    /// Returns the figure for speed: the metric if there is one, otherwise the time.
    pub fn speed(&self) -> Figure {
        self.setup.speed()
    }

    /// Returns the figure that decides: speed, unless the user chose another one. Memory is that of all processes, if it was
    /// watched.
    pub fn deciding(&self) -> Figure {
        match self.setup.by {
            None | Some(By::Time) => self.speed(),
            Some(By::Cpu) => Figure::Cpu,
            Some(By::Memory) if self.judged().contains(&Figure::Tree) => Figure::Tree,
            Some(By::Memory) => Figure::Memory,
        }
    }

    /// Returns the figures in which candidates are compared: those with numbers, and those that an option asked for.
    pub fn judged(&self) -> Vec<Figure> {
        self.setup
            .judged()
            .filter(|figure| figure.is_optional() || self.base().statistics.contains_key(figure.key()))
            .collect()
    }

    /// Returns the figures that any candidate has.
    pub fn figures(&self) -> impl Iterator<Item = Figure> {
        Figure::all().filter(|figure| self.rows.iter().any(|row| row.statistics.contains_key(figure.key())))
    }

    /// Returns the name of a figure in this comparison.
    pub fn name(&self, figure: Figure) -> &str {
        match (figure, &self.setup.metric) {
            (Figure::Metric, Some(name)) => name,
            (Figure::Time, _) if self.setup.load.is_some() => "time of the load",
            _ => figure.name(),
        }
    }

    /// Returns the value by which a figure's unit is chosen.
    pub fn typical(&self, figure: Figure) -> f64 {
        let all = || self.rows.iter().filter_map(|row| Some(row.statistic(figure)?.summary.mean));
        self.base().statistic(figure).map_or_else(|| all().fold(0.0, f64::max), |statistic| statistic.summary.mean)
    }

    /// Returns the candidate with the best mean of a figure; `None` if all have the same.
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

#[cfg(test)]
pub mod tests {
    use super::super::entry::Verdict;
    use super::super::sample::{Failure, Sample};
    use super::super::setup::Negligible;
    use super::*;
    use crate::catalogue::candidate::Candidate;
    use crate::measure::machine::Machine;
    use crate::measure::process::Usage;

    /// Returns a report of candidates with their times in seconds and their memory in KiB.
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

    /// Returns a report with a candidate that is faster and larger, one like the base, and one that fails.
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
