//! What came of a test file on a heap.

use std::collections::BTreeMap;
use std::fmt;
use xalloc_tests::heaps::Gap;

/// How a single test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Passed,
    Failed,
    /// It could not be run here, or the library leaves to libc what it is about.
    Skipped,
}

/// What came of a test file on a heap.
#[derive(Debug, Default)]
pub struct Outcome {
    passed: usize,
    skipped: usize,
    failed: Vec<String>,
    /// How many tests demand what the heap does not promise, by the name of that; 0 for all of the file.
    gaps: BTreeMap<&'static str, usize>,
}

impl Outcome {
    /// Returns that of a file of which the heap promises nothing.
    pub fn of_a_gap(gap: &Gap) -> Self {
        Self { gaps: BTreeMap::from([(gap.name, 0)]), ..Self::default() }
    }

    /// Adds a test that was run.
    pub fn add(&mut self, name: String, ending: Ending) {
        match ending {
            Ending::Passed => self.passed += 1,
            Ending::Skipped => self.skipped += 1,
            Ending::Failed => self.failed.push(name),
        }
    }

    /// Adds a test that demands what the heap does not promise.
    pub fn add_to_gap(&mut self, gap: &Gap) {
        *self.gaps.entry(gap.name).or_default() += 1;
    }

    /// Returns the tests that failed although the heap promises what they demand.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    /// Returns the names of what the heap does not promise.
    pub fn gaps(&self) -> impl Iterator<Item = &'static str> {
        self.gaps.keys().copied()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.failed.is_empty() {
            parts.push(format!("FAILED {}", self.failed.len()));
        }
        if self.passed > 0 {
            parts.push(self.passed.to_string());
        }
        for (name, count) in &self.gaps {
            parts.push(if *count == 0 { format!("[{name}]") } else { format!("[{name} {count}]") });
        }
        if self.skipped > 0 {
            parts.push(format!("({} skipped)", self.skipped));
        }
        f.write_str(&parts.join(" "))
    }
}
