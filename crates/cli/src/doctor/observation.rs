//! What one run of the program showed.

use super::bindings::{Bindings, Elsewhere};
use serde::Serialize;
use std::path::PathBuf;

/// What the kernel's samples and records say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sampled {
    /// Samples of the program's own code, its libraries and its children, outside of the kernel.
    pub samples: u64,
    /// Those of them inside of the library.
    pub inside: u64,
    /// Records for which there was no room: then samples are missing.
    pub lost: u64,
    /// The most threads that one process had at a time.
    pub threads: u32,
    /// The processes that there were, the first one counted.
    pub processes: u32,
    /// Whether the library was mapped as code into the program that the first process was in the end; nothing if the kernel
    /// did not tell all of it.
    pub mapped: Option<bool>,
}

/// A value, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured<T> {
    /// It was measured.
    Measured(T),
    /// It was not, for this reason.
    NotMeasured(String),
}

impl<T> Measured<T> {
    /// The value, if it was measured.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Measured(value) => Some(value),
            Self::NotMeasured(_) => None,
        }
    }
}

/// Threads of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Threads {
    /// The most at a time.
    pub most: u32,
    /// Every one was counted; otherwise it is the most that was seen, looking every few milliseconds.
    pub counted: bool,
}

/// One run. Sizes are bytes, times seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// What was preloaded.
    pub library: PathBuf,
    /// It is libxalloc, whose options are known.
    pub xalloc: bool,
    /// The program's exit code, if it exited.
    pub exit_code: Option<i32>,
    /// How it ended, in words.
    pub ended: String,
    /// Whether the library was in the process, in the program that it was in the end; nothing if that could not be seen.
    pub loaded: Option<bool>,
    /// How many names the library exports.
    pub names: usize,
    /// Whose definition the references got.
    pub bindings: Measured<Bindings>,
    /// Threads of the process that had most.
    pub threads: Threads,
    /// Share of the time in the library, processes.
    pub sampled: Measured<Sampled>,
    /// From start to end.
    pub wall: f64,
    /// Processor time in the program's own code and that of children that it waited for.
    pub user: f64,
    /// Processor time in the kernel for them.
    pub system: f64,
    /// The largest resident set of the process or of one of its children.
    pub peak: u64,
    /// Page faults that needed no disk.
    pub minor_faults: u64,
    /// Page faults that did.
    pub major_faults: u64,
    /// Times that a thread waited for something.
    pub voluntary_switches: u64,
    /// Times that a thread had to make room for another.
    pub involuntary_switches: u64,
    /// The size of a page.
    pub page_size: u64,
    /// The kernel's setting for transparent huge pages: always, madvise, never, or none if it has none.
    pub huge_pages_setting: String,
    /// The most memory in huge pages that was seen in the process.
    pub huge_pages: Option<u64>,
}

impl Observation {
    /// Whether the library was there, and no reference in the process itself got another malloc; nothing if it is not known
    /// that it was there, and nothing else speaks against it.
    pub fn served(&self) -> Option<bool> {
        let all_ours = |bindings: &Bindings| bindings.elsewhere.iter().all(Elsewhere::is_operator);
        if self.bindings.value().is_none_or(all_ours) { self.loaded } else { Some(false) }
    }

    /// The share of the time in the program's own code that was spent in the library, if there are samples.
    pub fn share(&self) -> Option<f64> {
        self.sampled
            .value()
            .filter(|sampled| sampled.samples > 0)
            .map(|sampled| sampled.inside as f64 / sampled.samples as f64)
    }
}
