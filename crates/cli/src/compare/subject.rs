//! The program that is compared, and one run of it to its end.

use super::candidates::BASE;
use super::sample::{Attempt, Failure, Sample, metric, words};
use crate::catalogue::candidate::Candidate;
use crate::exit;
use crate::measure::interrupt;
use crate::measure::process::{self, Finished, Output, Process, Unstarted};
use crate::measure::trace;
use crate::measure::tree::Watch;
use crate::refusal::Refusal;
use anyhow::{Context, Result, bail};
use regex::Regex;
use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

/// The program, and how it is run.
pub struct Subject {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The file that it reads; `None` for nothing.
    pub input: Option<PathBuf>,
    /// Where its standard output goes.
    pub output: Output,
    /// The time that a run (for a server: the load) may take.
    pub limit: Option<Duration>,
    /// A shell command that is run before each run.
    pub prepare: Option<String>,
    /// The number to look for in what it (for a server: the load) prints.
    pub metric: Option<Regex>,
    /// Whether the memory of all its processes together is watched.
    pub tree: bool,
}

/// How a run is judged.
#[derive(Clone, Copy)]
pub enum Judge {
    /// The base's first run, with whose end all other runs are compared.
    Setting,
    /// A run that must end as the base's did, and show that it uses its allocator.
    Proving(Option<ExitStatus>),
    /// A run that must end as the base's did.
    Comparing(Option<ExitStatus>),
}

impl Subject {
    /// Returns the command under a candidate.
    pub fn command(&self, candidate: &Candidate) -> Result<Command> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        command.stdin(match &self.input {
            Some(path) => File::open(path).with_context(|| format!("cannot read {}", path.display()))?.into(),
            None => Stdio::null(),
        });
        candidate.apply(&mut command);
        Ok(command)
    }

    /// Runs the command of `--prepare`.
    ///
    /// # Errors
    /// The command fails.
    pub fn prepare(&self) -> Result<()> {
        let Some(prepare) = &self.prepare else { return Ok(()) };
        let finished = shell(prepare, Output::Discard, None)?;
        if !finished.status.is_some_and(|status| status.success()) && !interrupt::came() {
            bail!("--prepare '{prepare}': {}\n{}", words(finished.status), finished.errors.trim_end());
        }
        Ok(())
    }

    /// Makes one run. Returns its result, and how the program ended.
    ///
    /// # Errors
    /// The program cannot be started at all.
    pub fn run(&self, candidate: &Candidate, judge: Judge) -> Result<(Attempt, Option<ExitStatus>)> {
        let mut command = self.command(candidate)?;
        let library = candidate.library.as_deref().filter(|_| matches!(judge, Judge::Proving(_)));
        let output = if self.metric.is_some() { Output::Keep } else { self.output };
        let mut process = if library.is_some() {
            trace::prepare(&mut command);
            process::start_to_follow(command, output, self.limit)
        } else {
            process::start(command, output, self.limit)
        }
        .map_err(unstartable)?;
        process.end_on_interrupt();
        let watch = self.watch(&process)?;
        let is_loaded = library.map_or(Ok(true), |library| trace::follow(&process, library));
        let finished = process.wait()?;
        let tree = watch.and_then(Watch::most);
        let status = finished.status;
        if interrupt::came() {
            return Ok((Attempt::Interrupted, status));
        }
        // The memory map of a killed program may not have been read.
        let has_exited = status.is_some_and(|status| status.code().is_some());
        let attempt = match (self.judge(candidate, &finished, judge), is_loaded) {
            (_, Ok(false)) if has_exited => Attempt::Failed(not_loaded(candidate, finished.left_out())),
            (Err(failure), _) => Attempt::Failed(failure),
            (Ok(_), Err(error)) => Attempt::Failed(Failure::new(format!("{error:#}"))),
            (Ok(sample), Ok(_)) => Attempt::Done(Sample { tree, ..sample }),
        };
        Ok((attempt, status))
    }

    /// Watches the memory of a run's processes, if that is asked for.
    pub fn watch(&self, process: &Process) -> Result<Option<Watch>> {
        let watch = self.tree.then(|| Watch::start(process.id())).transpose();
        watch.context("cannot start the thread that reads the memory of all processes (--tree)")
    }

    fn judge(&self, candidate: &Candidate, finished: &Finished, judge: Judge) -> Result<Sample, Failure> {
        let is_well = match judge {
            // Any exit code may be the program's own; a signal or a time limit is never what was to be measured.
            Judge::Setting => finished.status.is_some_and(|status| status.code().is_some()),
            Judge::Proving(expected) | Judge::Comparing(expected) => finished.status == expected,
        };
        if !is_well {
            return Err(Failure::of(self.complaint(candidate, finished, judge), &finished.errors));
        }
        let metric = self.metric.as_ref().map(|pattern| metric(pattern, finished)).transpose()?;
        Ok(Sample { usage: finished.usage.clone(), counters: finished.counts.clone(), metric, ..Sample::default() })
    }

    fn complaint(&self, candidate: &Candidate, finished: &Finished, judge: Judge) -> String {
        let expected = match judge {
            Judge::Proving(Some(expected)) | Judge::Comparing(Some(expected)) => {
                let code = expected.code().map_or_else(|| words(Some(expected)), |code| code.to_string());
                let where_so = if candidate.name == BASE { "its first run had" } else { "system has" };
                format!(" where {where_so} {code}")
            }
            _ => String::new(),
        };
        match (finished.status, self.limit) {
            (None, Some(limit)) => format!("not over after {} s", limit.as_secs_f64()),
            (status, _) => format!("{}{expected}", words(status)),
        }
    }
}

/// Returns the error for a program that cannot be started. If the kernel refused, it has the exit code that shells use for
/// that.
pub fn unstartable(error: Unstarted) -> anyhow::Error {
    let Unstarted::Program { error: reason, .. } = &error else { return error.into() };
    let code = if reason.kind() == ErrorKind::NotFound { exit::NO_PROGRAM } else { exit::NOT_EXECUTABLE };
    Refusal { message: error.to_string(), code }.into()
}

/// Returns the failure of a candidate whose library was not in the program, with what the loader said about it.
pub fn not_loaded(candidate: &Candidate, complaint: Option<&str>) -> Failure {
    let library = candidate.library.as_deref().unwrap_or(std::path::Path::new(""));
    let reason = complaint.map_or_else(
        || format!("{} was not loaded: the program is static, set-uid, or clears its environment", library.display()),
        str::to_owned,
    );
    Failure::new(reason)
}

/// Runs a shell command to its end.
pub fn shell(script: &str, output: Output, limit: Option<Duration>) -> Result<Finished> {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null());
    let mut process = process::start(command, output, limit)?;
    process.end_on_interrupt();
    process.wait()
}
