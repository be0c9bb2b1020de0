//! The files that a user asks for.

use crate::refusal::Refusal;
use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::path::Path;

/// Sees to it before anything is measured that what was measured can be written.
///
/// # Errors
/// One of the files cannot be.
pub fn check(paths: &[Option<&Path>]) -> Result<(), Refusal> {
    for path in paths.iter().copied().flatten() {
        if path == Path::new("-") {
            let message = "cannot write -: the tables go to the standard output; name a file (./- is one, too)";
            return Err(Refusal::wrong_usage(message));
        }
        if let Err(error) = OpenOptions::new().append(true).create(true).open(path) {
            return Err(Refusal::wrong_usage(format!("cannot write {}: {error}", path.display())));
        }
    }
    Ok(())
}

/// Writes a file if it is asked for. Of several, all are tried before the first failure is returned:
/// `[write(…), write(…)].into_iter().collect()`.
///
/// # Errors
/// What `render` returns, or that the file cannot be written.
pub fn write(path: Option<&Path>, render: impl FnOnce() -> Result<String>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, render()?).with_context(|| format!("cannot write {}", path.display()))
}
