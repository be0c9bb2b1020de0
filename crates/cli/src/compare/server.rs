//! One run of a server: starts it, waits until it is ready, drives it, stops it.

use super::sample::{Attempt, Failure, Sample, metric, words};
use super::subject::{Subject, not_loaded, shell, unstartable};
use crate::catalogue::candidate::Candidate;
use crate::measure::interrupt;
use crate::measure::process::{self, Finished, Output, Process};
use crate::measure::trace;
use crate::measure::tree::{self, Watch};
use crate::refusal::Refusal;
use anyhow::Result;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// The pause before the next attempt.
const PAUSE: Duration = Duration::from_millis(10);
/// The time for a ready command that is expected to fail, because the server has not been started yet.
const BEFORE: Duration = Duration::from_secs(2);

/// How a server is driven.
pub struct Server {
    /// A shell command that succeeds as soon as the server answers.
    pub ready: String,
    /// A shell command that gives the server work. Its time is measured.
    pub load: String,
    /// The time in which the server must be ready.
    pub ready_limit: Duration,
    /// The time after the load at which the server's memory is read once more, if it is.
    pub settle: Option<Duration>,
    /// The time in which the server must end after SIGTERM.
    pub stop_limit: Duration,
}

impl Server {
    /// Makes one run of the subject under a candidate.
    ///
    /// # Errors
    /// The server cannot be started at all, or something else answers in its place.
    pub fn run(&self, subject: &Subject, candidate: &Candidate) -> Result<Attempt> {
        if self.is_ready(self.ready_limit.min(BEFORE))? && !interrupt::came() {
            let message = format!(
                "--ready '{}' succeeds before the server is started: something else answers there; stop it, or choose \
                 another port",
                self.ready
            );
            return Err(Refusal::wrong_usage(message).into());
        }
        let server = process::start(subject.command(candidate)?, subject.output, None).map_err(unstartable)?;
        let watch = subject.watch(&server)?;
        let driven = self.drive(subject, candidate, &server);
        let tree = watch.and_then(Watch::most);
        let has_crashed = server.has_ended();
        let finished = self.stop(server)?;
        if interrupt::came() {
            return Ok(Attempt::Interrupted);
        }
        Ok(match driven? {
            Err(failure) if has_crashed => {
                Attempt::Failed(Failure::of(complaint(&failure.reason, finished.status), &finished.errors))
            }
            Err(failure) if failure.stderr.is_empty() => Attempt::Failed(Failure::of(failure.reason, &finished.errors)),
            Err(failure) => Attempt::Failed(failure),
            Ok(_) if has_crashed => Attempt::Failed(Failure::of(
                complaint("the server ended under the load", finished.status),
                &finished.errors,
            )),
            Ok(driven) => {
                let mut usage = finished.usage;
                usage.wall = driven.wall;
                let Driven { metric, settled, .. } = driven;
                Attempt::Done(Sample { usage, counters: finished.counts, metric, tree, settled })
            }
        })
    }

    /// Waits until the server is ready, checks that it uses its allocator, and runs the load.
    fn drive(&self, subject: &Subject, candidate: &Candidate, server: &Process) -> Result<Result<Driven, Failure>> {
        if let Some(failure) = self.wait_until_ready(server)? {
            return Ok(Err(failure));
        }
        if let Some(library) = &candidate.library
            && trace::maps(server.id(), library) != Some(true)
        {
            return Ok(Err(not_loaded(candidate, None)));
        }
        let load = shell(&self.load, Output::Keep, subject.limit)?;
        if !load.status.is_some_and(|status| status.success()) {
            return Ok(Err(Failure::of(format!("the load: {}", words(load.status)), &load.errors)));
        }
        let metric = subject.metric.as_ref().map(|pattern| metric(pattern, &load)).transpose();
        let settled = self.settle.and_then(|time| settled(server, time));
        Ok(metric.map(|metric| Driven { wall: load.usage.wall, metric, settled }))
    }

    fn is_ready(&self, limit: Duration) -> Result<bool> {
        Ok(shell(&self.ready, Output::Discard, Some(limit))?.status.is_some_and(|status| status.success()))
    }

    fn wait_until_ready(&self, server: &Process) -> Result<Option<Failure>> {
        let start = Instant::now();
        loop {
            if server.has_ended() || interrupt::came() {
                return Ok(Some(Failure::new("the server ended before it was ready")));
            }
            let left = self.ready_limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                let seconds = self.ready_limit.as_secs_f64();
                return Ok(Some(Failure::new(format!("the server was not ready after {seconds} s"))));
            }
            if self.is_ready(left)? {
                return Ok(None);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Sends SIGTERM, and SIGKILL if the server does not end by it. Any end after that counts as a good one.
    fn stop(&self, server: Process) -> Result<Finished> {
        server.signal(libc::SIGTERM);
        let start = Instant::now();
        while !server.has_ended() {
            if start.elapsed() > self.stop_limit || interrupt::came() {
                server.signal(libc::SIGKILL);
            }
            std::thread::sleep(PAUSE);
        }
        server.wait()
    }
}

/// The result of a load.
struct Driven {
    /// The load's time in seconds.
    wall: f64,
    metric: Option<f64>,
    settled: Option<u64>,
}

/// Returns the memory of the server's processes after some time without requests.
fn settled(server: &Process, time: Duration) -> Option<u64> {
    let start = Instant::now();
    while start.elapsed() < time && !server.has_ended() && !interrupt::came() {
        std::thread::sleep(PAUSE);
    }
    tree::memory(server.id())
}

/// Returns what went wrong, with what is known only after the server has ended.
fn complaint(reason: &str, status: Option<ExitStatus>) -> String {
    let is_daemon = status.is_some_and(|status| status.success());
    let hint = if is_daemon { "; it must stay in the foreground" } else { "" };
    format!("{reason} (the server: {}{hint})", words(status))
}
