//! Where the statistics go.

use crate::refusal::Refusal;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A place for statistics.
pub enum Sink {
    Stdout,
    Stderr,
    File(File),
}

impl Sink {
    /// Returns the file that is asked for, or the standard output.
    ///
    /// # Errors
    /// There can be no such file.
    pub fn stdout_or(path: Option<&Path>) -> Result<Self, Refusal> {
        path.map_or(Ok(Self::Stdout), Self::file)
    }

    /// Returns the file that is asked for, or the standard error, because the standard output is the program's.
    ///
    /// # Errors
    /// There can be no such file.
    pub fn stderr_or(path: Option<&Path>) -> Result<Self, Refusal> {
        path.map_or(Ok(Self::Stderr), Self::file)
    }

    fn file(path: &Path) -> Result<Self, Refusal> {
        let file = File::create(path);
        file.map(Self::File).map_err(|error| Refusal::wrong_usage(format!("cannot write {}: {error}", path.display())))
    }

    /// Writes a text.
    ///
    /// # Errors
    /// The file cannot be written. Failures of the standard output are kept for the end.
    pub fn write(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Stdout => print!("{text}"),
            Self::Stderr => crate::output::complain(format_args!("{text}")),
            Self::File(file) => file.write_all(text.as_bytes()).context("cannot write the statistics")?,
        }
        Ok(())
    }
}
