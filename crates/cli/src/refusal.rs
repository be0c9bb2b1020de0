//! A refusal: why a command cannot begin, and its exit code.

use crate::exit;
use anyhow::Result;
use std::process::ExitCode;

/// The reason why a command cannot begin.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The message: what is wrong, and what to do.
    pub message: String,
    /// The exit code, one of [`exit`].
    pub code: u8,
}

impl Refusal {
    /// Returns the refusal of a command that was called wrongly, or with something that cannot be used.
    pub fn wrong_usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: exit::WRONG_USAGE }
    }
}

/// Returns the exit code of the command `name`. If the result is a refusal, prints its message.
///
/// # Errors
/// The errors of the result that are not refusals.
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
