//! The table on the terminal.

use super::amounts::{amount, change};
use super::choice::{By, Choice};
use crate::output::{self, counted, percent};
use comfy_table::{Cell, CellAlignment, Table, presets};
use xalloc_profile::{Counts, Figure, NamedStack, Report, group};

/// Prints the totals, the rows, and how many more there are.
pub fn print(report: &Report, choice: &Choice) {
    println!("{}", summary(report, choice));
    let (table, rows) = match choice.by {
        By::Stack => by_stack(report, choice),
        By::Function => by_site(report, choice, group::By::Function),
        By::Line => by_site(report, choice, group::By::Line),
        By::Library => by_site(report, choice, group::By::Library),
    };
    if rows == 0 {
        return;
    }
    println!();
    for line in table.lines() {
        println!("{}", line.trim_end());
    }
    if choice.top > 0 && rows > choice.top {
        println!("\n{} more; --top 0 shows all", rows - choice.top);
    }
}

fn summary(report: &Report, choice: &Choice) -> String {
    let total = report.total();
    let show = |figure: Figure| shown(choice, figure, total);
    let live = format!("live: {} in {} objects", show(Figure::LiveBytes), show(Figure::LiveObjects));
    let allocated = match total.allocated_objects {
        0 if !choice.is_change => String::new(),
        _ => format!("; allocated: {} in {}", show(Figure::AllocatedBytes), show(Figure::AllocatedObjects)),
    };
    let source = match report.interval {
        0 => "every allocation was counted".to_owned(),
        interval => {
            let interval = amount(Figure::LiveBytes, i64::try_from(interval).unwrap_or(i64::MAX));
            format!("estimates from samples, one every {interval} on average")
        }
    };
    let stacks = counted(report.stacks.len() as u64, "stack");
    format!("{live}{allocated}; {stacks}; {source}")
}

fn by_site(report: &Report, choice: &Choice, by: group::By) -> (Table, usize) {
    let figure = choice.figure;
    let mut header = vec![figure.name().to_owned()];
    header.extend(share_heading(choice));
    header.push("cumulative".into());
    header.extend(share_heading(choice));
    header.push(other(figure).name().into());
    header.extend(match by {
        group::By::Library => vec!["library".to_owned()],
        group::By::Function | group::By::Line => vec!["function".to_owned(), "where".to_owned()],
    });
    let numbers = header.len() - if by == group::By::Library { 1 } else { 2 };
    let mut table = new(header, numbers);
    let rows = group::rows(report, by, figure);
    let total = report.total();
    for row in rows.iter().take(limit(choice)) {
        let mut cells = amounts(choice, row.own, total);
        cells.extend(amounts(choice, row.cumulative, total));
        cells.push(shown(choice, other(figure), row.own));
        cells.push(row.name.to_string());
        if by != group::By::Library {
            cells.push(if row.place.is_empty() { row.library.to_string() } else { row.place.clone() });
        }
        table.add_row(cells);
    }
    (table, rows.len())
}

fn by_stack(report: &Report, choice: &Choice) -> (Table, usize) {
    let mut header = vec![choice.figure.name().to_owned()];
    header.extend(share_heading(choice));
    header.extend([other(choice.figure).name().to_owned(), "stack, from the call of the allocator outwards".into()]);
    let numbers = header.len() - 1;
    let mut table = new(header, numbers);
    let stacks = group::stacks(report, choice.figure);
    let total = report.total();
    for stack in stacks.iter().take(limit(choice)) {
        let mut cells = amounts(choice, stack.counts, total);
        cells.push(shown(choice, other(choice.figure), stack.counts));
        cells.push(lines(stack));
        table.add_row(cells);
    }
    (table, stacks.len())
}

fn new(header: Vec<String>, numbers: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.into_iter().map(Cell::new));
    output::fit(&mut table);
    for column in table.column_iter_mut().take(numbers) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Returns an amount, and its share of the total, which a difference does not have.
fn amounts(choice: &Choice, counts: Counts, total: Counts) -> Vec<String> {
    let mut cells = vec![shown(choice, choice.figure, counts)];
    if !choice.is_change {
        let (part, whole) = (choice.figure.of(counts), choice.figure.of(total));
        cells.push(if whole == 0 { "-".into() } else { percent(part as f64 / whole as f64) });
    }
    cells
}

fn share_heading(choice: &Choice) -> Option<String> {
    (!choice.is_change).then(|| "share".to_owned())
}

fn shown(choice: &Choice, figure: Figure, counts: Counts) -> String {
    let show = if choice.is_change { change } else { amount };
    show(figure, figure.of(counts))
}

/// Returns what stands beside `figure`: the objects of bytes, or the bytes of objects.
fn other(figure: Figure) -> Figure {
    match figure {
        Figure::LiveBytes => Figure::LiveObjects,
        Figure::LiveObjects => Figure::LiveBytes,
        Figure::AllocatedBytes => Figure::AllocatedObjects,
        Figure::AllocatedObjects => Figure::AllocatedBytes,
    }
}

fn limit(choice: &Choice) -> usize {
    if choice.top == 0 { usize::MAX } else { choice.top }
}

fn lines(stack: &NamedStack) -> String {
    let line = |(location, frame): (&xalloc_profile::Location, &xalloc_profile::Frame)| {
        let place = frame.place();
        let place = if place.is_empty() { location.library.to_string() } else { place };
        if frame.is_named { format!("{}  {place}", frame.function) } else { frame.function.to_string() }
    };
    let lines: Vec<String> = stack.frames().map(line).collect();
    if lines.is_empty() { "no stack".into() } else { lines.join("\n") }
}
