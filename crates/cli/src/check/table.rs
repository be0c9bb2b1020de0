//! The report on the terminal.

use super::outcome::Verdict;
use super::program::Promise;
use super::report::{Report, Row, Side};
use crate::output::{self, counted};
use comfy_table::{Cell, Color, Table, presets};

/// The number of letters of a reason that the table shows at most; the JSON has all of them.
const LONGEST: usize = 240;

/// Prints the list of the promises.
pub fn list(promises: &[Promise]) {
    let mut group = "";
    for promise in promises {
        if promise.group != group {
            group = &promise.group;
            println!("{group}");
        }
        println!("  {:<50} {}", promise.name, promise.about);
    }
}

/// Prints a line for each promise, and the conclusion.
pub fn print(report: &Report) {
    for line in grid(report).lines() {
        println!("{}", line.trim_end());
    }
    println!();
    summary(report).iter().for_each(|line| println!("{line}"));
}

fn grid(report: &Report) -> Table {
    let mut table = Table::new();
    let mut header = vec!["promise", &report.library.name];
    header.extend(report.against.as_ref().map(|against| against.name.as_str()));
    header.push("why");
    table.load_style(presets::NOTHING).set_header(header);
    output::fit(&mut table);
    let mut group = "";
    for row in &report.promises {
        if row.promise.group != group {
            group = &row.promise.group;
            table.add_row([group]);
        }
        table.add_row(cells(row));
    }
    table
}

fn cells(row: &Row) -> Vec<Cell> {
    let mut cells = vec![Cell::new(format!("  {}", row.promise.name)), verdict(row.outcome.verdict)];
    cells.extend(row.against.iter().map(|outcome| verdict(outcome.verdict)));
    cells.push(Cell::new(row.outcome.reason.as_deref().map_or(String::new(), shortened)));
    cells
}

fn verdict(verdict: Verdict) -> Cell {
    let cell = Cell::new(verdict);
    if verdict == Verdict::Broken { cell.fg(Color::Red) } else { cell }
}

fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &reason[..end]),
        None => reason.to_owned(),
    }
}

fn summary(report: &Report) -> Vec<String> {
    let of = |verdict: Verdict| report.count(|row| row.outcome.verdict == verdict);
    let mut lines = vec![format!(
        "{}: {} hold, {} broken, {} not here",
        counted(report.promises.len() as u64, "promise"),
        of(Verdict::Holds),
        of(Verdict::Broken),
        of(Verdict::NotHere)
    )];
    let excused = report.count(|row| row.is_excused);
    if let (Some(against), 1..) = (&report.against, excused) {
        lines[0] += &format!("; of the broken ones, {excused} broken under {} too: not counted", against.name);
    }
    if report.is_interrupted {
        lines.push("interrupted: the other promises were not checked".into());
    }
    if let Some(row) = report.first_broken() {
        lines.push(format!("One alone, as under a debugger: {}", by_hand(report, row)));
    }
    lines
}

/// Returns the command by which a user checks this promise without this command.
fn by_hand(report: &Report, row: &Row) -> String {
    let Side { library, .. } = &report.library;
    let preload = library.as_ref().map_or(String::new(), |library| format!("LD_PRELOAD={} ", library.display()));
    format!("{preload}{} run {}", report.program.display(), row.promise.name)
}
