//! The tables: their cells, for every output that has tables, and their layout on a terminal.

use super::entry::{Entry, Statistic, Verdict};
use super::figure::Figure;
use super::report::Report;
use super::verdict::{differences, words};
use crate::measure::statistics::Summary;
use crate::output::{self, counted};
use comfy_table::{Cell, CellAlignment, Color, LineStyle, Table, TableStyle};
use std::fmt::Write;

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Value {
    /// The cell's text.
    pub text: String,
    /// The number by which it is sorted, if it is one.
    pub number: Option<f64>,
    /// Whether it is the best of its column.
    pub is_best: bool,
}

impl Value {
    fn words(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// A table: its headings, and for each candidate its cells.
pub struct Grid {
    /// The headings of the columns.
    pub header: Vec<String>,
    /// The rows of the candidates that have something to show.
    pub rows: Vec<Vec<Value>>,
}

/// Returns the table of the figures by which candidates are judged, with ratios and verdicts. With a metric, the time has no
/// ratio.
pub fn main_grid(report: &Report) -> Grid {
    let speed = report.speed();
    let others: Vec<Figure> = report.judged().into_iter().filter(|&figure| figure != speed).collect();
    let mut header = vec!["allocator".to_owned(), heading(report, speed), "× system".to_owned()];
    if speed != Figure::Time {
        header.push(heading(report, Figure::Time));
    }
    for &figure in &others {
        header.extend([heading(report, figure), "× system".to_owned()]);
    }
    header.push("compared with system".to_owned());
    let row = |row: &Entry| {
        let mut cells = vec![Value::words(&row.name)];
        cells.extend(pair(report, row, speed));
        if speed != Figure::Time {
            cells.push(mean(report, row, Figure::Time, true));
        }
        cells.extend(others.iter().flat_map(|&figure| pair(report, row, figure)));
        cells.push(Value::words(remark(report, row)));
        cells
    };
    Grid { header, rows: report.rows.iter().map(row).collect() }
}

/// Returns the table of everything else that was measured and is not 0 everywhere, and of the extremes of the time, for the
/// candidates that ran.
pub fn detail_grid(report: &Report) -> Grid {
    let is_zero = |figure: Figure| {
        let unit = figure.unit(report.typical(figure));
        let mut shown = report.rows.iter().filter_map(|row| Some(unit.show(row.statistic(figure)?.summary.mean)));
        shown.all(|text| text.chars().all(|letter| matches!(letter, '0' | '.')))
    };
    let judged = report.judged();
    let is_detail = |figure: &Figure| *figure != Figure::Time && !judged.contains(figure);
    let figures: Vec<Figure> = report.figures().filter(is_detail).filter(|&figure| !is_zero(figure)).collect();
    let unit = Figure::Time.unit(report.typical(Figure::Time));
    let mut header = vec!["allocator".to_owned()];
    header.extend(["median", "least", "most"].map(|name| unit.heading(name)));
    header.extend(figures.iter().map(|&figure| heading(report, figure)));
    let row = |row: &Entry| {
        let mut cells = vec![Value::words(&row.name)];
        let Summary { median, least, most, .. } = row.statistic(Figure::Time)?.summary;
        let times = [median, least, most].map(|time| (unit.show(time), Some(time)));
        cells.extend(times.map(|(text, number)| Value { text, number, is_best: false }));
        cells.extend(figures.iter().map(|&figure| mean(report, row, figure, false)));
        Some(cells)
    };
    Grid { header, rows: report.rows.iter().filter_map(row).collect() }
}

fn heading(report: &Report, figure: Figure) -> String {
    figure.unit(report.typical(figure)).heading(report.name(figure))
}

/// Returns the mean of a figure, with its deviation if asked for.
fn mean(report: &Report, row: &Entry, figure: Figure, with_deviation: bool) -> Value {
    let Some(Statistic { summary, .. }) = row.statistic(figure) else {
        let has_run = row.failure.is_none() && !row.samples.is_empty();
        return Value::words(if has_run && figure.is_optional() { "not available" } else { "-" });
    };
    let unit = figure.unit(report.typical(figure));
    let mut text = unit.show(summary.mean);
    if let Some(deviation) = summary.deviation.filter(|_| with_deviation) {
        write!(text, " ± {}", unit.show(deviation)).expect("writing to a string");
    }
    let is_best = report.best(figure).is_some_and(|best| best.name == row.name);
    Value { text, number: Some(summary.mean), is_best }
}

/// Returns a figure's mean and its ratio; `~` stands before a ratio that shows no difference.
fn pair(report: &Report, row: &Entry, figure: Figure) -> [Value; 2] {
    let ratio = row.statistic(figure).and_then(|statistic| statistic.ratio);
    let text = match ratio {
        None => "-".to_owned(),
        Some(_) if row.is_base() => "1".to_owned(),
        Some(ratio) => {
            let mark = if row.verdict(figure) == Verdict::NoDifference { "~" } else { "" };
            let deviation = ratio.deviation.map_or(String::new(), |deviation| format!(" ± {deviation:.3}"));
            format!("{mark}{:.3}{deviation}", ratio.value)
        }
    };
    [mean(report, row, figure, true), Value { text, number: ratio.map(|ratio| ratio.value), is_best: false }]
}

fn remark(report: &Report, row: &Entry) -> String {
    match &row.failure {
        Some(failure) => format!("failed: {}", failure.headline()),
        None if row.is_base() => String::new(),
        None if row.samples.is_empty() => "not measured".to_owned(),
        None => differences(report, row),
    }
}

/// Returns a line that says what was run, where and how often.
pub fn about(report: &Report) -> String {
    let setup = &report.setup;
    let load = setup.load.as_ref().map_or(String::new(), |load| format!("\nload: {load}"));
    format!(
        "{}{load}\n{}\n{} under each allocator, in turn, after {} that do not count; mean ± standard deviation",
        command_line(&setup.command),
        setup.machine,
        counted(setup.runs.into(), "run"),
        setup.warmup
    )
}

/// Returns words as a user would type them.
pub fn command_line(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).expect("no argument has a NUL")
}

/// Prints both tables, the failures and the verdict.
pub fn print(report: &Report) {
    println!("{}\n", about(report));
    let mut main = main_grid(report);
    // Reasons are sentences, for which there is room below the table.
    main.rows.retain(|cells| report.rows.iter().any(|row| row.name == cells[0].text && row.failure.is_none()));
    println!("{}", layout(&main, true));
    print_failures(report);
    let details = detail_grid(report);
    if !details.rows.is_empty() {
        println!("\n{}", layout(&details, false));
    }
    println!();
    report.notes.iter().for_each(|note| println!("note: {note}"));
    words(report).iter().for_each(|line| println!("{line}"));
}

fn print_failures(report: &Report) {
    let width = report.rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    for row in &report.rows {
        let Some(failure) = &row.failure else { continue };
        println!(" {:<width$}   failed: {}", row.name, failure.headline());
        failure.details().iter().for_each(|line| println!(" {:<width$}     {line}", ""));
    }
}

/// Returns the table for a terminal: numbers are aligned to the right, and the best of a column has a star and is green.
fn layout(grid: &Grid, has_remarks: bool) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
    table.load_style(style);
    output::fit(&mut table);
    let last = grid.header.len() - 1;
    let is_text = |column: usize| column == 0 || (has_remarks && column == last);
    // Units, and in wide tables words, have lines of their own, so that the columns are narrow enough for a terminal.
    let narrow = |(column, name): (usize, &String)| match (is_text(column), has_remarks) {
        (true, _) => name.clone(),
        (false, true) => name.replace(", ", "\n"),
        (false, false) => name.replace(", ", " ").replace(' ', "\n"),
    };
    table.set_header(grid.header.iter().enumerate().map(narrow));
    for cells in &grid.rows {
        table.add_row(cells.iter().map(|value| {
            if value.is_best { Cell::new(format!("*{}", value.text)).fg(Color::Green) } else { Cell::new(&value.text) }
        }));
    }
    let numbers = table.column_iter_mut().enumerate().filter(|(column, _)| !is_text(*column));
    numbers.for_each(|(_, column)| column.set_cell_alignment(CellAlignment::Right));
    table
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{example, mixed};
    use super::*;

    fn texts(grid: &Grid, row: usize) -> Vec<&str> {
        grid.rows[row].iter().map(|value| value.text.as_str()).collect()
    }

    #[test]
    fn has_means_ratios_and_reasons() {
        let grid = main_grid(&mixed());
        assert_eq!(
            grid.header,
            ["allocator", "time, s", "× system", "peak memory, MiB", "× system", "compared with system"]
        );
        assert_eq!(texts(&grid, 1)[1..3], ["0.800 ± 0.008", "0.798 ± 0.016"]);
        assert_eq!(texts(&grid, 1)[5], "20 % less time, 50 % more memory");
        assert!(texts(&grid, 2)[2].starts_with('~'));
        assert_eq!(texts(&grid, 3), ["broken", "-", "-", "-", "-", "failed: exit 1 where system has 0"]);
        assert!(grid.rows[1][1].is_best && !grid.rows[0][1].is_best);
    }

    #[test]
    fn one_run_has_no_deviation_and_too_few_are_no_likeness() {
        let grid = main_grid(&example(&[("system", &[1.0], &[1024]), ("same", &[1.0], &[1024])]));
        assert_eq!(texts(&grid, 1)[1..], ["1.000", "1.000", "1.0", "1.000", "no verdict"]);
        let grid = main_grid(&example(&[("system", &[1.0, 1.0], &[9, 9]), ("same", &[1.0, 1.0], &[9, 9])]));
        assert_eq!(texts(&grid, 1)[2], "1.000 ± 0.000");
    }

    #[test]
    fn details_are_as_wide_as_their_heading() {
        let grid = detail_grid(&mixed());
        assert!(grid.rows.iter().all(|row| row.len() == grid.header.len()));
    }
}
