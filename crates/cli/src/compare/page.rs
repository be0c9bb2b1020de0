//! The report as one page of HTML that needs no other file and no network.

use super::entry::{Entry, Verdict};
use super::figure::Figure;
use super::report::Report;
use super::table::{self, Value};
use super::{scatter, strip, verdict};
use anyhow::{Context, Result};
use askama::Template;

/// The values for templates/compare.html. The pictures are SVG with escaped texts; the template escapes everything else.
#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'a> {
    report: &'a Report,
    command: String,
    verdict: Vec<String>,
    tables: [Table; 2],
    scatter: String,
    speeds: String,
    memories: String,
}

struct Table {
    caption: &'static str,
    header: Vec<String>,
    rows: Vec<Row>,
    has_remarks: bool,
}

struct Row {
    class: &'static str,
    cells: Vec<Value>,
}

/// Returns the page.
///
/// # Errors
/// The template's own error; a page of numbers causes none.
pub fn render(report: &Report) -> Result<String> {
    let page = Page {
        report,
        command: table::command_line(&report.setup.command),
        verdict: verdict::words(report),
        tables: [
            tabular(report, "Time and memory", table::main_grid(report), true),
            tabular(report, "Other figures, means", table::detail_grid(report), false),
        ],
        scatter: scatter::render(report),
        speeds: strip::render(report, report.speed()),
        memories: strip::render(report, Figure::Memory),
    };
    page.render().context("cannot write the page")
}

fn tabular(report: &Report, caption: &'static str, grid: table::Grid, has_remarks: bool) -> Table {
    let row = |cells: Vec<Value>| {
        let entry = report.rows.iter().find(|row| row.name == cells[0].text);
        Row { class: entry.map_or("", |entry| class(report, entry)), cells }
    };
    Table { caption, header: grid.header, rows: grid.rows.into_iter().map(row).collect(), has_remarks }
}

fn class(report: &Report, row: &Entry) -> &'static str {
    let verdicts = [row.verdict(report.speed()), row.verdict(Figure::Memory)];
    match (verdicts.contains(&Verdict::Better), verdicts.contains(&Verdict::Worse)) {
        _ if row.failure.is_some() => "failed",
        _ if row.is_base() => "base",
        (true, false) => "better",
        (false, true) => "worse",
        _ => "",
    }
}

impl Row {
    /// Returns whether the row says only why there are no numbers.
    fn is_failed(&self) -> bool {
        self.class == "failed"
    }
}

impl Table {
    /// Returns whether a column contains words, which are aligned to the left.
    fn is_text(&self, column: &usize) -> bool {
        *column == 0 || (self.has_remarks && column + 1 == self.header.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::mixed;

    #[test]
    fn escapes_and_asks_for_nothing() {
        let page = super::render(&mixed()).unwrap();
        assert!(page.contains("prog &#39;a&#60;b&#39;") && page.contains("out of &#60;luck&#62;"), "{page}");
        assert!(page.contains("default-src 'none'"));
        for word in ["src=", "href=", "url(", "@import", "fetch("] {
            assert!(!page.contains(word), "{word}");
        }
    }
}
