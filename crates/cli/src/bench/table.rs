//! The tables on the terminal.

use super::grid::grid;
use super::results::{Figure, Results};
use comfy_table::Table;

/// Prints time and memory of every workload under every allocator.
pub fn print(results: &Results) {
    println!("{}\n{}\n", results.machine, results.runs_in_words());
    println!(
        "seconds (last column: ratio of the mean to the best peer's; ~: no difference shown)\n{}\n",
        of(results, Figure::Time)
    );
    println!("largest resident set, MiB\n{}\n", of(results, Figure::Memory));
    results.summary().iter().for_each(|line| println!("{line}"));
}

fn of(results: &Results, figure: Figure) -> Table {
    grid(&header(results, figure), &rows(results, figure))
}

/// Returns the names of the columns.
pub fn header(results: &Results, figure: Figure) -> Vec<String> {
    let mut cells = vec!["workload".to_owned()];
    cells.extend(results.allocators.iter().cloned());
    if figure == Figure::Time {
        cells.push("xalloc / best".to_owned());
    }
    cells
}

/// Returns a row for each workload, and one for the geometric means.
pub fn rows(results: &Results, figure: Figure) -> Vec<Vec<String>> {
    let columns = 0..results.allocators.len();
    let mut rows: Vec<Vec<String>> = results
        .rows
        .iter()
        .map(|row| {
            let mut cells = vec![row.workload.clone()];
            cells.extend(columns.clone().map(|index| match results.spread(row, index, figure) {
                Some(spread) if figure == Figure::Time => format!("{:.3}", spread.median),
                Some(spread) => format!("{:.1}", spread.median / 1024.0),
                None if row.cells[index].failure.is_some() => "failed".to_owned(),
                None => "-".to_owned(),
            }));
            if figure == Figure::Time {
                cells.push(results.verdict(row).map_or(String::new(), |verdict| {
                    let mark = if verdict.is_shown { "" } else { "~" };
                    format!("{mark}{:.2} {}", verdict.ratio, verdict.peer)
                }));
            }
            cells
        })
        .collect();
    let base = results.base();
    let mut means = vec![format!("mean / {}", results.allocators[base])];
    means.extend(columns.map(|index| format!("{:.3}", results.mean_ratio(index, base, figure, None))));
    if figure == Figure::Time {
        means.push(String::new());
    }
    rows.push(means);
    rows
}
