//! The files for which a user asks.

use crate::output;
use crate::refusal::Refusal;
use anyhow::{Context, Result};
use std::fs::OpenOptions;
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

/// Writes a file if it is asked for. Several can be tried before the first failure is returned: `[write(…),
/// write(…)].into_iter().collect()`.
///
/// # Errors
/// What `render` returns, or that the file cannot be written.
pub fn write(path: Option<&Path>, render: impl FnOnce() -> Result<String>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    if path == Path::new(STDOUT) {
        output::write_on_stdout(format_args!("{}\n", render()?.trim_end()));
        return Ok(());
    }
    std::fs::write(path, render()?).with_context(|| format!("cannot write {}", path.display()))
}
