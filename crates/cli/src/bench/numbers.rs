//! Numbers that `xalloc-workloads` measures itself: a few, each with a name, in a fresh process under an allocator.

use super::measure::{self, Outcome};
use crate::catalogue::candidate::Candidate;
use anyhow::{Context, Result, bail, ensure};
use std::path::Path;
use std::process::Command;

/// Runs `xalloc-workloads` once with these arguments, and returns the names and numbers that it prints.
pub fn ask(runner: &Path, arguments: &[&str], allocator: &Candidate) -> Result<Vec<(String, f64)>> {
    let command = || {
        let mut command = Command::new(runner);
        command.args(arguments).env_remove("LD_PRELOAD");
        command.envs(allocator.environment.iter().map(|(name, value)| (name, value)));
        command.envs(allocator.library.iter().map(|library| ("LD_PRELOAD", library)));
        command
    };
    let measured = match measure::run(command)? {
        Outcome::Done(measured) => measured,
        Outcome::Failed(reason) | Outcome::Skipped(reason) => bail!("under {}: {reason}", allocator.name),
        Outcome::Interrupted => bail!("interrupted"),
    };
    let number = |(name, value): (String, String)| {
        let number = value.parse().with_context(|| format!("{name}: '{value}' is no number"))?;
        Ok((name, number))
    };
    measured.notes.into_iter().map(number).collect()
}

/// Returns what `xalloc-workloads` lists when it gets `argument`: two words or sentences for each line.
pub fn list(runner: &Path, argument: &str) -> Result<Vec<(String, String)>> {
    let output =
        Command::new(runner).arg(argument).output().with_context(|| format!("cannot run {}", runner.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} {argument}: {}: {}", runner.display(), output.status, errors.trim_end());
    let text = String::from_utf8(output.stdout).with_context(|| format!("what {argument} lists is no text"))?;
    let pair = |line: &str| line.split_once('\t').map(|(first, second)| (first.to_owned(), second.to_owned()));
    Ok(text.lines().filter_map(pair).collect())
}
