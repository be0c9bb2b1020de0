//! The observations of one run of the program.

use super::bindings::{Bindings, Elsewhere};
use serde::Serialize;
use std::path::PathBuf;

/// The results of the kernel's samples and records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sampled {
    /// The number of samples in the code of the program, its libraries and its children, outside the kernel.
    pub samples: u64,
    /// The number of those samples that are in the library.
    pub inside: u64,
    /// The number of records for which there was no room. Then samples are missing.
    pub lost: u64,
    /// The greatest number of threads that one process had at a time.
    pub threads: u32,
    /// The number of processes, the first one included.
    pub processes: u32,
    /// Whether the library was mapped as code into the program that the first process ran last; `None` if the kernel did not
    /// report everything.
    pub mapped: Option<bool>,
}

/// A value, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured<T> {
    /// The value was measured.
    Measured(T),
    /// The value was not measured, for this reason.
    NotMeasured(String),
}

impl<T> Measured<T> {
    /// Returns the value, if it was measured.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Measured(value) => Some(value),
            Self::NotMeasured(_) => None,
        }
    }
}

/// The threads of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Threads {
    /// The greatest number at a time.
    pub most: u32,
    /// Whether every thread was counted. If not, it is the greatest number that was seen, every few milliseconds.
    pub counted: bool,
}

/// The observations of one run. Sizes are in bytes, times in seconds.
#[derive(Clone, Debug, Serialize)]
pub struct Observation {
    /// The library that was preloaded.
    pub library: PathBuf,
    /// Whether it is libxalloc, whose options are known.
    pub xalloc: bool,
    /// The program's exit code, if it exited.
    pub exit_code: Option<i32>,
    /// How it ended, in words.
    pub ended: String,
    /// Whether the library was in the program that the process ran last; `None` if that could not be seen.
    pub loaded: Option<bool>,
    /// The number of names that the library exports.
    pub names: usize,
    /// The definitions that the references got.
    pub bindings: Measured<Bindings>,
    /// The threads of the process that had most.
    pub threads: Threads,
    /// The share of the time in the library, and the processes.
    pub sampled: Measured<Sampled>,
    /// The time from start to end.
    pub wall: f64,
    /// The processor time in the program's own code and in that of children for which it waited.
    pub user: f64,
    /// The processor time in the kernel for them.
    pub system: f64,
    /// The largest resident set of the process or one of its children.
    pub peak: u64,
    /// The number of page faults that needed no disk.
    pub minor_faults: u64,
    /// The number of page faults that needed the disk.
    pub major_faults: u64,
    /// The number of times that a thread waited for something.
    pub voluntary_switches: u64,
    /// The number of times that the kernel took the processor away from a thread.
    pub involuntary_switches: u64,
    /// The size of a page.
    pub page_size: u64,
    /// The kernel's setting for transparent huge pages: always, madvise, never; or none if it has no such pages.
    pub huge_pages_setting: String,
    /// The greatest amount of memory in huge pages that was seen in the process.
    pub huge_pages: Option<u64>,
}

impl Observation {
    /// Returns whether the library was there, and no reference in the process itself got another malloc; `None` if it is not
    /// known that the library was there, and nothing else shows that it was not.
    pub fn served(&self) -> Option<bool> {
        let all_ours = |bindings: &Bindings| bindings.elsewhere.iter().all(Elsewhere::is_operator);
        if self.bindings.value().is_none_or(all_ours) { self.loaded } else { Some(false) }
    }

    /// Returns the share of the time in the program's own code that was spent in the library, if there are samples.
    pub fn share(&self) -> Option<f64> {
        self.sampled
            .value()
            .filter(|sampled| sampled.samples > 0)
            .map(|sampled| sampled.inside as f64 / sampled.samples as f64)
    }
}
