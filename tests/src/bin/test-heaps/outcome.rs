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

/// A line for what was run, and one for each thing that is not promised.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = Vec::new();
        if !self.failed.is_empty() {
            counts.push(format!("FAILED {}", self.failed.len()));
        }
        if self.passed > 0 {
            counts.push(self.passed.to_string());
        }
        if self.skipped > 0 {
            counts.push(format!("({} skipped)", self.skipped));
        }
        let mut lines = if counts.is_empty() { Vec::new() } else { vec![counts.join(" ")] };
        for (name, count) in &self.gaps {
            lines.push(if *count == 0 { format!("[{name}]") } else { format!("[{name} {count}]") });
        }
        f.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xalloc_tests::heaps::{CHECK, named};

    #[test]
    fn a_cell_has_what_was_run_and_what_is_not_promised() {
        let my_heap = named("my-heap").unwrap();
        let gap = |test: &str| my_heap.gap(CHECK, test).unwrap();
        let mut outcome = Outcome::default();
        outcome.add("one".to_owned(), Ending::Passed);
        outcome.add("two".to_owned(), Ending::Skipped);
        outcome.add_to_gap(gap("mallinfo2_counts_free_chunks"));
        outcome.add_to_gap(gap("mallinfo_counts_too"));
        assert_eq!(outcome.to_string(), "1 (1 skipped)\n[statistics 2]");
        assert!(outcome.failed().is_empty());
        outcome.add("three".to_owned(), Ending::Failed);
        assert_eq!(outcome.to_string(), "FAILED 1 1 (1 skipped)\n[statistics 2]");
        assert_eq!(outcome.failed(), ["three"]);
        assert_eq!(Outcome::of_a_gap(my_heap.gap("misuse", "").unwrap()).to_string(), "[misuse]");
    }
}
