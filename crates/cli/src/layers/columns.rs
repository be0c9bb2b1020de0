//! Tables without lines, which are easy to grep.

use crate::output;
use comfy_table::{Row, Table, presets};

/// Returns `rows` under `header`. On a terminal, long cells are wrapped to its width.
pub fn columns<R: Into<Row>>(header: R, rows: impl IntoIterator<Item = R>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    output::fit(&mut table);
    table.set_header(header);
    table.add_rows(rows);
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.trim_fmt()
}
