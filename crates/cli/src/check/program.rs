//! The program `xalloc-check`, which knows the promises, and how it checks one of them.

use super::outcome::Outcome;
use crate::catalogue::candidate::Candidate;
use crate::library;
use crate::measure::interrupt;
use crate::measure::process::{self, Output};
use crate::refusal::Refusal;
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const NAME: &str = "xalloc-check";

/// A promise that malloc is expected to keep.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promise {
    /// The group to which it belongs.
    pub group: String,
    /// The promise's name.
    pub name: String,
    /// The promise, in a sentence.
    pub about: String,
}

/// The program's path.
pub struct Program(PathBuf);

impl Program {
    /// Returns the program that belongs to this command: beside it where both were built, below `libexec` where they are
    /// installed.
    ///
    /// # Errors
    /// There is no such program.
    pub fn find() -> Result<Self> {
        let directory = library::command_directory()?;
        let places = [directory.join(NAME), directory.join("../libexec/xalloc").join(NAME)];
        match places.iter().find_map(|place| place.canonicalize().ok()) {
            Some(path) => Ok(Self(path)),
            None => bail!(
                "there is no {}; {}",
                places.map(|place| place.display().to_string()).join(", and no "),
                library::in_checkout(
                    "build it: cargo build --release",
                    "install it: it comes with this command, and the two belong together"
                )
            ),
        }
    }

    /// Returns the program's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns all promises that the program knows.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn promises(&self) -> Result<Vec<Promise>> {
        let mut command = Command::new(&self.0);
        let output = command.arg("list").env_remove("LD_PRELOAD").output();
        let output = output.with_context(|| format!("cannot run {}", self.0.display()))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} list: {}: {}", self.0.display(), output.status, errors.trim_end());
        let text = String::from_utf8(output.stdout).context("what it lists is no text")?;
        Ok(text.lines().filter_map(promise).collect())
    }

    /// Checks a promise under an allocator. Checks it again if this command was stopped meanwhile, because time went on then.
    ///
    /// # Errors
    /// The program cannot be run, or not with the allocator's library.
    pub fn check(&self, promise: &Promise, allocator: &Candidate, limit: Duration) -> Result<Outcome> {
        loop {
            let outcome = self.once(promise, allocator, limit)?;
            if !interrupt::was_stopped() {
                return Ok(outcome);
            }
        }
    }

    fn once(&self, promise: &Promise, allocator: &Candidate, limit: Duration) -> Result<Outcome> {
        let mut command = Command::new(&self.0);
        command.args(["run", &promise.name]).stdin(Stdio::null()).env_remove("LD_PRELOAD");
        command.envs(allocator.environment.iter().map(|(name, value)| (name, value)));
        command.envs(allocator.library.iter().map(|library| ("LD_PRELOAD", library)));
        let mut process = process::start(command, Output::Keep, Some(limit))?;
        process.end_on_interrupt();
        let finished = process.wait()?;
        match finished.left_out() {
            Some(complaint) => Err(Refusal::wrong_usage(complaint.to_owned()).into()),
            None => Ok(Outcome::of(&finished, limit)),
        }
    }
}

/// Returns the promise on a line of the list.
fn promise(line: &str) -> Option<Promise> {
    let mut words = line.splitn(3, '\t').map(str::to_owned);
    Some(Promise { group: words.next()?, name: words.next()?, about: words.next()? })
}
