//! What measurements are shown with: pictures, tables, files.

pub mod labels;
pub mod markdown;
pub mod svg;

use anyhow::{Context, Result};
use std::path::Path;

/// Writes a file if it is asked for.
///
/// # Errors
/// What `render` returns, or that the file cannot be written.
pub fn write(path: Option<&Path>, render: impl FnOnce() -> Result<String>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, render()?).with_context(|| format!("cannot write {}", path.display()))
}
