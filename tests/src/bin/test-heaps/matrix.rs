//! What came of all test files on all heaps, printed.

use crate::outcome::Outcome;
use comfy_table::{Table, presets};
use std::collections::BTreeSet;
use xalloc_tests::heaps::Heap;

/// What came of all test files on all heaps.
pub struct Matrix {
    heaps: Vec<&'static Heap>,
    rows: Vec<(&'static str, Vec<Outcome>)>,
}

impl Matrix {
    /// Returns one without rows.
    pub fn new(heaps: Vec<&'static Heap>) -> Self {
        Self { heaps, rows: Vec::new() }
    }

    /// Adds what came of a test file, an outcome for each heap.
    pub fn add(&mut self, file: &'static str, outcomes: Vec<Outcome>) {
        self.rows.push((file, outcomes));
    }

    /// Returns whether every heap does what it promises.
    pub fn holds(&self) -> bool {
        self.rows.iter().flat_map(|(_, outcomes)| outcomes).all(|outcome| outcome.failed().is_empty())
    }

    /// Prints the table, what the words in brackets mean, and what failed.
    pub fn print(&self) {
        let mut table = Table::new();
        let heads = self.heaps.iter().map(|heap| heap.name);
        table.load_style(presets::NOTHING).set_header(std::iter::once("").chain(heads));
        for (file, outcomes) in &self.rows {
            let cells = outcomes.iter().map(ToString::to_string);
            table.add_row(std::iter::once((*file).to_owned()).chain(cells));
        }
        for line in table.lines() {
            println!("{}", line.trim_end());
        }
        self.print_gaps();
        self.print_failures();
    }

    fn print_gaps(&self) {
        let seen: BTreeSet<&str> =
            self.rows.iter().flat_map(|(_, outcomes)| outcomes).flat_map(Outcome::gaps).collect();
        let mut gaps: Vec<_> =
            self.heaps.iter().flat_map(|heap| heap.gaps).filter(|gap| seen.contains(gap.name)).collect();
        gaps.sort_by_key(|gap| gap.name);
        gaps.dedup_by_key(|gap| gap.name);
        if !gaps.is_empty() {
            println!("\nNot promised:");
        }
        for gap in gaps {
            println!("  [{}] {}", gap.name, gap.why);
        }
    }

    fn print_failures(&self) {
        for (file, outcomes) in &self.rows {
            for (heap, outcome) in self.heaps.iter().zip(outcomes) {
                if !outcome.failed().is_empty() {
                    println!("\nFAILED: {file} on {}\n  {}", heap.name, outcome.failed().join("\n  "));
                }
            }
        }
    }
}
