//! The statistics, for people.

use super::report::{Figures, Report, Since, Threads};
use crate::observed::counts::Counts;
use crate::output::{self, counted, percent};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::BinaryBytes;
use std::cmp::Reverse;
use std::fmt::Write;

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    /// By size, and by the number of the thread.
    Size,
    /// The most live bytes first.
    Live,
    /// The most allocations first.
    Allocations,
    /// The most frees first.
    Frees,
    /// The most bytes that were allocated first.
    Bytes,
}

/// What is shown.
pub struct Shown {
    /// Whether threads are.
    pub threads: bool,
    /// How many rows of a table at most.
    pub top: Option<usize>,
    /// Their order.
    pub sort: Sort,
}

/// A row: what stands in its first column, and its figures.
struct Row {
    label: String,
    figures: Figures,
}

/// Returns the statistics as text.
pub fn render(report: &Report, shown: &Shown) -> String {
    let mut text = summary(report);
    let classes = report.classes.iter().map(|class| Row { label: size(class.size), figures: class.figures }).collect();
    add_table(&mut text, report, "size up to", classes, Vec::new(), shown);
    if let (Some(threads), true) = (&report.threads, shown.threads) {
        let (rows, sums) = thread_rows(report.process, threads);
        add_table(&mut text, report, "thread", rows, sums, shown);
    }
    text + "\nThe columns are explained in docs/statistics.md.\n"
}

fn summary(report: &Report) -> String {
    let Report { program, process, total: Figures { counts, live_blocks, live_bytes }, .. } = report;
    let time = format!("{:.1} s", report.seconds);
    let since = match report.since {
        Since::FirstAllocation => format!("counted from its first allocation on, for {time}"),
        Since::Observation => format!("counted for {time}; what it had allocated before is not known"),
        Since::Mark => format!("counted since the mark, for {time}"),
    };
    let mut text = format!("{program}, pid {process}: {since}\n");
    let mut line = |label: &str, value: String| writeln!(text, "  {label:<13}{value}").expect("writing to a string");
    if let Some(parent) = report.parent {
        line("forked", format!("from process {parent}, whose counts it goes on with"));
    }
    if !report.is_observed {
        line("switched off", "nothing is counted now".into());
    }
    let Counts { allocations, frees, remote_frees, requested_bytes, allocated_bytes, .. } = *counts;
    let (requested, usable) = (bytes(requested_bytes as i64), bytes(allocated_bytes as i64));
    line("allocations", format!("{allocations}: {requested} requested, {usable} usable"));
    let remote = if remote_frees == 0 { String::new() } else { format!(", {remote_frees} of them by other threads") };
    line("frees", format!("{frees}{remote}"));
    if report.since == Since::FirstAllocation {
        line("live", format!("{}, {}", counted(*live_blocks as u64, "block"), bytes(*live_bytes)));
    } else {
        line("difference", format!("{live_blocks:+} blocks, {}", signed_bytes(*live_bytes)));
    }
    if report.since == Since::FirstAllocation || report.mark_seconds.is_some() {
        let since = report.mark_seconds.map_or(String::new(), |age| format!(" since the mark, {age:.1} s ago"));
        line("peak", format!("{}{since}", bytes(report.peak_bytes)));
    }
    if let Some(threads) = &report.threads {
        line("threads", describe(threads));
    }
    text
}

fn describe(threads: &Threads) -> String {
    let mut text = format!("{} observed", threads.observed.len());
    if threads.not_observed_yet > 0 {
        write!(text, ", {} not yet", threads.not_observed_yet).expect("writing to a string");
    }
    if threads.refused > 0 {
        write!(text, ", {} too many: counted together", threads.refused).expect("writing to a string");
    }
    text
}

/// Returns a row for each thread, and those of the threads that are counted together.
fn thread_rows(process: u32, threads: &Threads) -> (Vec<Row>, Vec<Row>) {
    let label = |id: u64, name: &Option<String>| match name {
        Some(name) => format!("{id} {name}"),
        None if id == u64::from(process) => format!("{id} main"),
        None => id.to_string(),
    };
    let rows = threads.observed.iter().map(|it| Row { label: label(it.thread, &it.name), figures: it.figures });
    let sums = [("ended", threads.exited), ("others", threads.others)];
    let sums = sums.map(|(label, figures)| Row { label: label.into(), figures });
    (rows.collect(), sums.into())
}

fn add_table(text: &mut String, report: &Report, what: &str, mut rows: Vec<Row>, sums: Vec<Row>, shown: &Shown) {
    sort(&mut rows, shown.sort);
    let rest = rows.split_off(shown.top.unwrap_or(usize::MAX).min(rows.len()));
    if !rest.is_empty() {
        let figures = rest.iter().map(|row| row.figures.counts).sum::<Counts>().into();
        rows.push(Row { label: format!("{} more", rest.len()), figures });
    }
    rows.extend(sums);
    rows.retain(|row| !row.figures.counts.is_zero());
    if rows.is_empty() {
        return;
    }
    let is_live = report.since == Since::FirstAllocation;
    let [blocks, bytes] = if is_live { ["live blocks", "live bytes"] } else { ["blocks ±", "bytes ±"] };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([what, "allocations", "frees", "freed by others", blocks, bytes, "share"]);
    output::fit(&mut table);
    table.add_rows(rows.iter().map(|row| cells(row, report.total)));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    write!(text, "\n{}\n", table.trim_fmt()).expect("writing to a string");
}

fn sort(rows: &mut [Row], by: Sort) {
    match by {
        // As they are.
        Sort::Size => {}
        Sort::Live => rows.sort_by_key(|row| Reverse(row.figures.live_bytes)),
        Sort::Allocations => rows.sort_by_key(|row| Reverse(row.figures.counts.allocations)),
        Sort::Frees => rows.sort_by_key(|row| Reverse(row.figures.counts.frees)),
        Sort::Bytes => rows.sort_by_key(|row| Reverse(row.figures.counts.allocated_bytes)),
    }
}

fn cells(Row { label, figures }: &Row, total: Figures) -> [String; 7] {
    let Figures { counts, live_blocks, live_bytes } = figures;
    let share = match (total.live_bytes, *live_bytes) {
        (1.., 1..) => percent(*live_bytes as f64 / total.live_bytes as f64),
        _ => String::new(),
    };
    [
        label.clone(),
        counts.allocations.to_string(),
        counts.frees.to_string(),
        counts.remote_frees.to_string(),
        live_blocks.to_string(),
        live_bytes.to_string(),
        share,
    ]
}

/// Returns the largest size of a class.
fn size(limit: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| limit >= *unit && limit.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", limit / unit),
        None => limit.to_string(),
    }
}

fn bytes(count: i64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}", BinaryBytes(count.unsigned_abs()))
}

fn signed_bytes(count: i64) -> String {
    let sign = if count > 0 { "+" } else { "" };
    format!("{sign}{}", bytes(count))
}
