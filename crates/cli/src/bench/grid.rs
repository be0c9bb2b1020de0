//! The layout of all tables that `xalloc bench` prints.

use comfy_table::{CellAlignment, Table, presets};

/// Returns a table with `rows` under `header`: names in the first column, numbers in the others.
pub fn grid(header: &[String], rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header).add_rows(rows);
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}
