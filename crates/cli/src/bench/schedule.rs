//! The order of the runs.

use super::measure::{self, Outcome};
use super::results::{Cell, Results, Row};
use super::workloads::Workload;
use crate::catalogue::candidate::Candidate;
use crate::measure::machine::Machine;
use crate::measure::{interrupt, progress};
use anyhow::Result;
use indicatif::ProgressBar;

/// Runs every workload `runs` times under every allocator. The allocators take turns, and each round begins with another one.
/// An interrupt ends the runs.
pub fn run(workloads: &[Workload], allocators: &[Candidate], runs: u32) -> Result<Results> {
    let progress = progress::bar(workloads.len() as u64 * allocators.len() as u64 * u64::from(runs));
    let mut rows = Vec::new();
    for workload in workloads {
        progress.set_message(workload.name.clone());
        match row(workload, allocators, runs, &progress)? {
            Ok(row) => rows.push(row),
            Err(reason) => progress.suspend(|| eprintln!("{}: skipped: {reason}", workload.name)),
        }
        if interrupt::came() {
            break;
        }
    }
    progress.finish_and_clear();
    let allocators = allocators.iter().map(|allocator| allocator.name.clone()).collect();
    Ok(Results { machine: Machine::here(), runs, is_interrupted: interrupt::came(), allocators, rows })
}

/// Returns a workload's row, or the reason why it is skipped.
fn row(
    workload: &Workload,
    allocators: &[Candidate],
    runs: u32,
    progress: &ProgressBar,
) -> Result<Result<Row, String>> {
    let mut cells: Vec<_> = allocators.iter().map(|_| Cell::default()).collect();
    let count = allocators.len();
    for (run, turn) in (0..runs as usize).flat_map(|run| (0..count).map(move |turn| (run, turn))) {
        let index = (run + turn) % count;
        progress.inc(1);
        let cell = &mut cells[index];
        if cell.failure.is_some() {
            continue;
        }
        let allocator = &allocators[index];
        match measure::run(|| workload.command(allocator))? {
            Outcome::Done(measured) => cell.runs.push(measured),
            Outcome::Failed(reason) => {
                progress.suspend(|| eprintln!("{} under {}: {reason}", workload.name, allocator.name));
                cell.failure = Some(reason);
            }
            Outcome::Skipped(reason) => {
                progress.inc((runs as usize * count - run * count - turn - 1) as u64);
                return Ok(Err(reason));
            }
            Outcome::Interrupted => break,
        }
    }
    Ok(Ok(Row { workload: workload.name.clone(), group: workload.group, cells }))
}
