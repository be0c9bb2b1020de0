//! The tables as Markdown, for documentation.

use super::results::{Figure, Results};
use super::table::{header, rows};
use crate::report::markdown::render_table;
use std::fmt::Write;

/// Returns both tables and the summary.
pub fn render(results: &Results) -> String {
    let mut text = format!("{}; {}.\n", results.machine, results.runs_in_words());
    for (figure, title) in [(Figure::Time, "Seconds"), (Figure::Memory, "Largest resident set, MiB")] {
        write!(text, "\n{title}:\n\n").expect("writing to a string");
        render_table(&mut text, &header(results, figure), &rows(results, figure));
    }
    text.push('\n');
    for line in results.summary() {
        writeln!(text, "- {line}").expect("writing to a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::example;

    #[test]
    fn has_a_row_for_each_workload_and_the_means() {
        let text = super::render(&example());
        assert!(text.contains("| small | 1.000 | 4.000 | 2.000 | 0.50 peer |"), "{text}");
        assert!(text.contains("| large | 1.000 | 1.000 | 2.000 | ~1.00 system |"), "{text}");
        assert!(text.contains("| mean / system | 2.000 | 1.000 | 1.414 |"), "{text}");
    }
}
