//! What is shown of a process, also as JSON.

use crate::observed::counts::Counts;
use crate::observed::snapshot::{Snapshot, Thread};
use serde::Serialize;
use std::collections::BTreeMap;

/// From when on was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// From the first allocation of the process on: what is live is known.
    FirstAllocation,
    /// From some moment on when it was running.
    Observation,
    /// From the mark on.
    Mark,
}

/// The counts of some blocks, and what follows from them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Figures {
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Allocations less frees.
    pub live_blocks: i64,
    /// Bytes that were allocated less those that were freed.
    pub live_bytes: i64,
}

impl From<Counts> for Figures {
    fn from(counts: Counts) -> Self {
        Self { counts, live_blocks: counts.live_blocks(), live_bytes: counts.live_bytes() }
    }
}

/// The blocks of a class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The largest size of the class, in bytes.
    pub size: u64,
    /// What was counted.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a thread did.
#[derive(Clone, Debug, Serialize)]
pub struct OfThread {
    /// Its number.
    pub thread: u64,
    /// Its name; `None` if it is not known any more.
    pub name: Option<String>,
    /// For how many seconds it has been observed.
    pub seconds: f64,
    /// What was counted.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What each thread did.
#[derive(Clone, Debug, Serialize)]
pub struct Threads {
    /// Those that are observed.
    pub observed: Vec<OfThread>,
    /// The sum of those that have ended.
    pub exited: Figures,
    /// The sum of those that have no place of their own: starting, ending, or too many.
    pub others: Figures,
    /// How many of the process's threads have not called since observation began, or are not known.
    pub not_observed_yet: usize,
    /// How many found no place, because there were too many.
    pub refused: u64,
}

/// The statistics of a process.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this command.
    pub version: &'static str,
    /// The name of the program.
    pub program: String,
    /// The process's number, as it knows itself.
    pub process: u32,
    /// The process from which it was forked, whose counts it goes on with.
    pub parent: Option<u32>,
    /// From when on was counted.
    pub since: Since,
    /// How long ago that was.
    pub seconds: f64,
    /// Whether it is observed now.
    pub is_observed: bool,
    /// The sum of everything.
    pub total: Figures,
    /// The most bytes that were live at a time: since the mark, if there is one.
    pub peak_bytes: i64,
    /// How many seconds ago the mark was set.
    pub mark_seconds: Option<f64>,
    /// What was counted by size: classes of which nothing was counted are left out.
    pub classes: Vec<Class>,
    /// What was counted by thread; `None` since a mark, which has only sums.
    pub threads: Option<Threads>,
}

impl Report {
    /// Returns the report on a process with threads of these names.
    pub fn new(snapshot: Snapshot, names: &BTreeMap<u64, String>, since_mark: bool) -> Self {
        let seconds = |milliseconds: u64| milliseconds as f64 / 1000.0;
        let mut sums = snapshot.classes();
        let mark = snapshot.mark.as_ref();
        let (since, age) = match mark.filter(|_| since_mark) {
            Some(mark) => {
                sums.iter_mut().zip(&mark.classes).for_each(|(sum, &then)| *sum = *sum - then);
                (Since::Mark, mark.age)
            }
            None if snapshot.is_complete => (Since::FirstAllocation, snapshot.age),
            None => (Since::Observation, snapshot.age),
        };
        let classes = snapshot.limits.iter().zip(&sums).filter(|(_, sum)| !sum.is_zero());
        Self {
            version: env!("CARGO_PKG_VERSION"),
            since,
            seconds: seconds(age),
            is_observed: snapshot.is_on,
            total: sums.iter().sum::<Counts>().into(),
            peak_bytes: snapshot.peak,
            mark_seconds: mark.map(|mark| seconds(mark.age)),
            classes: classes.map(|(&size, &sum)| Class { size, figures: sum.into() }).collect(),
            threads: (since != Since::Mark).then(|| threads(&snapshot, names)),
            process: snapshot.process,
            parent: snapshot.parent,
            program: snapshot.program,
        }
    }
}

fn threads(snapshot: &Snapshot, names: &BTreeMap<u64, String>) -> Threads {
    let sum = |counts: &[Counts]| counts.iter().sum::<Counts>().into();
    let thread = |thread: &Thread| OfThread {
        thread: thread.id,
        name: names.get(&thread.id).cloned(),
        seconds: thread.age as f64 / 1000.0,
        figures: sum(&thread.counts),
    };
    let observed: Vec<OfThread> = snapshot.threads.iter().map(thread).collect();
    let known = observed.iter().filter(|thread| thread.name.is_some()).count();
    Threads {
        not_observed_yet: names.len() - known.min(names.len()),
        observed,
        exited: sum(&snapshot.exited),
        others: sum(&snapshot.others),
        refused: snapshot.refused_threads,
    }
}
