//! Ticks per malloc and free, as `xalloc-workloads micro` measures them.

use super::grid::grid;
use super::numbers;
use crate::catalogue::candidate::Candidate;
use crate::measure::machine::Machine;
use crate::measure::statistics::Spread;
use crate::output::counted;
use crate::report::files::write;
use crate::report::markdown::render_table;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressIterator};
use std::path::Path;

/// The ticks of every run, for each allocator and each test.
type Columns = Vec<Vec<(String, Vec<f64>)>>;

/// Measures all allocators in turn, `runs` times, and prints the smallest value and the median of each test.
pub fn run(runner: &Path, allocators: &[Candidate], runs: u32, markdown: Option<&Path>) -> Result<()> {
    let mut columns: Columns = vec![Vec::new(); allocators.len()];
    let progress = ProgressBar::new(u64::from(runs) * allocators.len() as u64);
    let turns = (0..runs).flat_map(|_| allocators.iter().enumerate());
    for (index, allocator) in turns.progress_with(progress) {
        for (position, (test, ticks)) in numbers::ask(runner, &["micro"], allocator)?.into_iter().enumerate() {
            let column = &mut columns[index];
            match column.get_mut(position) {
                Some((_, all)) => all.push(ticks),
                None => column.push((test, vec![ticks])),
            }
        }
    }
    let header: Vec<String> =
        std::iter::once("test".to_owned()).chain(allocators.iter().map(|allocator| allocator.name.clone())).collect();
    let rows = rows(&columns);
    let about =
        format!("{}; ticks per malloc and free, smallest / median of {}", Machine::here(), counted(runs.into(), "run"));
    println!("{about}\n{}", grid(&header, &rows));
    write(markdown, || {
        let mut text = format!("{about}.\n\n");
        render_table(&mut text, &header, &rows);
        Ok(text)
    })
}

fn rows(columns: &Columns) -> Vec<Vec<String>> {
    let tests = columns.first().map_or(0, Vec::len);
    (0..tests)
        .map(|test| {
            let mut cells = vec![columns[0][test].0.clone()];
            cells.extend(columns.iter().map(|column| {
                let ticks = &column[test].1;
                let least = ticks.iter().copied().fold(f64::INFINITY, f64::min);
                format!("{least:.1} / {:.1}", Spread::of(ticks.iter().copied()).median)
            }));
            cells
        })
        .collect()
}
