//! Tables in Markdown, for documentation.

use std::fmt::Write;

/// Appends a table: the first column is aligned to the left, numbers to the right.
pub fn render_table(text: &mut String, header: &[String], rows: &[Vec<String>]) {
    let mut line = |cells: &[String]| writeln!(text, "| {} |", cells.join(" | ")).expect("writing to a string");
    line(header);
    let rule: Vec<String> = (0..header.len()).map(|index| if index == 0 { "---" } else { "--:" }.to_owned()).collect();
    line(&rule);
    rows.iter().for_each(|row| line(row));
}
