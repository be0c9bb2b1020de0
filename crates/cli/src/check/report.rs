//! What was found of a library.

use super::outcome::{Outcome, Verdict};
use super::program::Promise;
use crate::catalogue::candidate::Candidate;
use crate::measure::interrupt;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// An allocator.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// As the user named it.
    pub name: String,
    /// What was preloaded; nothing for the C library's own malloc.
    pub library: Option<PathBuf>,
}

impl Side {
    /// The allocator that a candidate is.
    pub fn of(candidate: &Candidate) -> Self {
        Self { name: candidate.name.clone(), library: candidate.library.clone() }
    }
}

/// A promise that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is promised.
    #[serde(flatten)]
    pub promise: Promise,
    /// What came of it under the library.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Under what it was checked against.
    pub against: Option<Outcome>,
    /// Whether it is broken under both, and does not count.
    pub is_excused: bool,
}

impl Row {
    /// What came of a promise.
    pub fn new(promise: Promise, outcome: Outcome, against: Option<Outcome>) -> Self {
        let is_broken = |outcome: &Outcome| outcome.verdict == Verdict::Broken;
        let is_excused = is_broken(&outcome) && against.as_ref().is_some_and(is_broken);
        Self { promise, outcome, against, is_excused }
    }

    fn counts(&self) -> bool {
        self.outcome.verdict == Verdict::Broken && !self.is_excused
    }
}

/// All that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// This command's.
    pub version: &'static str,
    /// The program that checks a single promise: `PROGRAM run NAME`.
    pub program: PathBuf,
    /// What was checked.
    pub library: Side,
    /// What it was checked against.
    pub against: Option<Side>,
    /// Whether someone pressed Ctrl-C; the promises are then not all.
    pub is_interrupted: bool,
    /// Whether no promise is broken, but for those that are excused.
    pub holds: bool,
    /// The promises, in the order of the list.
    pub promises: Vec<Row>,
}

impl Report {
    /// The report on these rows.
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

    /// How many promises this is true of.
    pub fn count(&self, is_true: impl Fn(&Row) -> bool) -> u64 {
        self.promises.iter().filter(|row| is_true(row)).count() as u64
    }

    /// The first promise that is broken and counts.
    pub fn first_broken(&self) -> Option<&Row> {
        self.promises.iter().find(|row| row.counts())
    }
}
