//! The report on a library.

use super::outcome::{Outcome, Verdict};
use super::program::Promise;
use crate::catalogue::candidate::Candidate;
use crate::measure::interrupt;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// One of the two allocators of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// The name that the user typed.
    pub name: String,
    /// The library that was preloaded; `None` for the C library's own malloc.
    pub library: Option<PathBuf>,
}

impl Side {
    /// Returns the allocator of a candidate.
    pub fn of(candidate: &Candidate) -> Self {
        Self { name: candidate.name.clone(), library: candidate.library.clone() }
    }
}

/// A promise that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The promise.
    #[serde(flatten)]
    pub promise: Promise,
    /// Its outcome under the library.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Its outcome under the allocator of `--against`.
    pub against: Option<Outcome>,
    /// Whether it is broken under both, and so does not count.
    pub is_excused: bool,
}

impl Row {
    /// Returns the row of a promise.
    pub fn new(promise: Promise, outcome: Outcome, against: Option<Outcome>) -> Self {
        let is_broken = |outcome: &Outcome| outcome.verdict == Verdict::Broken;
        let is_excused = is_broken(&outcome) && against.as_ref().is_some_and(is_broken);
        Self { promise, outcome, against, is_excused }
    }

    fn counts(&self) -> bool {
        self.outcome.verdict == Verdict::Broken && !self.is_excused
    }
}

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The version of this command.
    pub version: &'static str,
    /// The program that checks a single promise: `PROGRAM run NAME`.
    pub program: PathBuf,
    /// The library that was checked.
    pub library: Side,
    /// The allocator of `--against`.
    pub against: Option<Side>,
    /// Whether the user pressed Ctrl-C. Then some promises are missing.
    pub is_interrupted: bool,
    /// Whether no promise is broken, except those that are excused.
    pub holds: bool,
    /// The promises, in the order of the list.
    pub promises: Vec<Row>,
}

impl Report {
    /// Returns the report on these rows.
    pub fn new(program: &Path, library: Side, against: Option<Side>, promises: Vec<Row>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            program: program.to_owned(),
            library,
            against,
            is_interrupted: interrupt::came(),
            holds: !promises.iter().any(Row::counts),
            promises,
        }
    }

    /// Returns the number of promises for which `is_true` is true.
    pub fn count(&self, is_true: impl Fn(&Row) -> bool) -> u64 {
        self.promises.iter().filter(|row| is_true(row)).count() as u64
    }

    /// Returns the first promise that is broken and counts.
    pub fn first_broken(&self) -> Option<&Row> {
        self.promises.iter().find(|row| row.counts())
    }
}
