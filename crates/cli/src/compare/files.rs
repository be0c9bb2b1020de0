//! The files that a user can ask for: JSON, CSV, Markdown. (The pictures and the page have files of their own.)

use super::figure::Figure;
use super::report::Report;
use super::table::{self, Grid};
use super::verdict::words;
use crate::report::markdown::render_table;
use anyhow::Result;
use serde::Serialize;

/// Returns the whole report as JSON: what was compared, every run, and the conclusion in words.
pub fn json(report: &Report) -> Result<String> {
    #[derive(Serialize)]
    struct Everything<'a> {
        #[serde(flatten)]
        report: &'a Report,
        verdict: Vec<String>,
    }
    Ok(serde_json::to_string_pretty(&Everything { report, verdict: words(report) })?)
}

/// Returns a line for each run that counts, and one for each candidate that failed, with the reason.
pub fn csv(report: &Report) -> Result<String> {
    let figures: Vec<Figure> = report.figures().collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["allocator", "run", "failure"].into_iter().chain(figures.iter().map(|figure| figure.key()));
    writer.write_record(header)?;
    for row in &report.rows {
        for (index, sample) in row.samples.iter().enumerate() {
            let numbers = figures.iter().map(|figure| figure.of(sample).map_or(String::new(), |it| it.to_string()));
            let start = [row.name.clone(), (index + 1).to_string(), String::new()];
            writer.write_record(start.into_iter().chain(numbers))?;
        }
        if let Some(failure) = &row.failure {
            let start = [row.name.as_str(), "", failure.headline()];
            writer.write_record(start.into_iter().chain(figures.iter().map(|_| "")))?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// Returns both tables, the details of failures, and the verdict.
pub fn markdown(report: &Report) -> String {
    let mut text = table::about(report).replace('\n', "  \n") + "\n\n";
    for grid in [table::main_grid(report), table::detail_grid(report)] {
        let Grid { header, rows } = grid;
        let cell = |value: table::Value| {
            let plain = value.text.replace('|', "\\|");
            if value.is_best { format!("**{plain}**") } else { plain }
        };
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.into_iter().map(cell).collect()).collect();
        render_table(&mut text, &header, &rows);
        text.push('\n');
    }
    for row in &report.rows {
        let Some(failure) = row.failure.as_ref().filter(|failure| !failure.details().is_empty()) else { continue };
        text += &format!("- {}: failed: {}\n", row.name, failure.headline());
        failure.details().iter().for_each(|line| text += &format!("  - `{line}`\n"));
    }
    for line in report.notes.iter().map(|note| format!("note: {note}")).chain(words(report)) {
        text += &format!("- {line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::mixed;
    use super::*;

    #[test]
    fn csv_has_every_run_and_every_failure() {
        let text = csv(&mixed()).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let wall = reader.headers().unwrap().iter().position(|name| name == "wall").unwrap();
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 3 * 4 + 1);
        assert_eq!((&records[4][0], &records[4][1], &records[4][wall]), ("quick", "1", "0.8"));
        assert_eq!((&records[12][0], &records[12][2]), ("broken", "exit 1 where system has 0"));
    }

    #[test]
    fn markdown_marks_the_best() {
        let text = markdown(&mixed());
        assert!(text.contains("| quick | **0.800 ± 0.008** | 0.798 ± 0.016 |"), "{text}");
        assert!(text.contains("- recommended: "), "{text}");
    }
}
