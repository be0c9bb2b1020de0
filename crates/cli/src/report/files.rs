//! The files for which a user asks.

use crate::output;
use crate::refusal::Refusal;
use anyhow::{Context, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// The path that means the standard output.
const STDOUT: &str = "-";

/// Checks before anything is measured that the results can be written. If one of the files is `-`, it goes to the standard
/// output, and everything for people goes to the standard error.
///
/// # Errors
/// One of the files cannot be written, or several are `-`.
pub fn check(paths: &[Option<&Path>]) -> Result<(), Refusal> {
    match paths.iter().filter(|path| **path == Some(Path::new(STDOUT))).count() {
        0 => {}
        1 => output::print_on_stderr(),
        _ => {
            return Err(Refusal::wrong_usage(
                "only one file can be -, the standard output (./- is a file of this name)",
            ));
        }
    }
    for path in paths.iter().copied().flatten() {
        if path == Path::new(STDOUT) {
            continue;
        }
        if let Err(error) = OpenOptions::new().append(true).create(true).open(path) {
            return Err(Refusal::wrong_usage(format!("cannot write {}: {error}", path.display())));
        }
    }
    Ok(())
}

/// Writes a text if it is asked for. Several can be tried before the first failure is returned: `[write(…),
/// write(…)].into_iter().collect()`.
///
/// # Errors
/// What `render` returns, or that the file cannot be written.
pub fn write(path: Option<&Path>, render: impl FnOnce() -> Result<String>) -> Result<()> {
    let is_stdout = path == Some(Path::new(STDOUT));
    write_bytes(path, || {
        let text = render()?;
        Ok(if is_stdout { format!("{}\n", text.trim_end()) } else { text }.into_bytes())
    })
}

/// Writes a file that is no text if it is asked for.
///
/// # Errors
/// As [`write`].
pub fn write_bytes(path: Option<&Path>, render: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    if path == Path::new(STDOUT) {
        let bytes = render()?;
        output::print_by(|| std::io::stdout().write_all(&bytes));
        return Ok(());
    }
    std::fs::write(path, render()?).with_context(|| format!("cannot write {}", path.display()))
}
