//! What a command refuses to begin, and the exit code that says the same.

use crate::exit;
use anyhow::Result;
use std::process::ExitCode;

/// Why a command cannot begin.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong, and what to do.
    pub message: String,
    /// One of [`exit`].
    pub code: u8,
}

impl Refusal {
    /// The command was called wrongly, or with what cannot be used.
    pub fn wrong_usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: exit::WRONG_USAGE }
    }
}

/// The exit code of the command `name`, which says what it refuses.
///
/// # Errors
/// Those of the result that are no refusals.
pub fn exit_code(name: &str, result: Result<u8>) -> Result<ExitCode> {
    match result.map_err(anyhow::Error::downcast::<Refusal>) {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(Ok(refusal)) => {
            eprintln!("xalloc {name}: {refusal}");
            Ok(ExitCode::from(refusal.code))
        }
        Err(Err(error)) => Err(error),
    }
}
