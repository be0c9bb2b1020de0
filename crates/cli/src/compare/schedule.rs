//! The order of the runs.

use super::candidates::BASE;
use super::sample::{Attempt, Failure, Sample, words};
use super::server::Server;
use super::subject::{Judge, Subject};
use crate::catalogue::candidate::Candidate;
use crate::measure::{interrupt, progress};
use crate::output::counted;
use anyhow::{Result, anyhow};
use indicatif::HumanDuration;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// The duration from which on a comparison prints how long it will take.
const WORTH_TELLING: Duration = Duration::from_secs(10);

/// The program to compare, and how it is run.
pub struct Task {
    /// The program itself.
    pub subject: Subject,
    /// How it is driven, if it is a server. Any other program runs to its end.
    pub server: Option<Server>,
}

/// A candidate and its runs.
pub struct Row {
    /// The candidate under which it was run.
    pub candidate: Candidate,
    /// The runs that count.
    pub samples: Vec<Sample>,
    /// The reason why there are no more runs, if there is one.
    pub failure: Option<Failure>,
}

/// The measurements of a whole comparison.
pub struct Session {
    /// The candidates' rows.
    pub rows: Vec<Row>,
    /// How the program ends under the base; `None` for servers.
    pub status: Option<ExitStatus>,
    /// Whether the user pressed Ctrl-C before the end.
    pub is_interrupted: bool,
}

/// Runs the task under each candidate `warmups` times, which do not count, and then `runs` times. The candidates take turns,
/// and each round begins with another one. If the base fails, the comparison ends.
///
/// # Errors
/// The program cannot be run, or fails under the base itself.
pub fn run(task: &Task, candidates: Vec<Candidate>, warmups: u32, runs: u32) -> Result<Session> {
    let base = candidates.iter().position(|candidate| candidate.name == BASE).expect("it is always chosen");
    let row = |candidate: Candidate| Row {
        failure: candidate.obstacle.clone().map(Failure::new),
        candidate,
        samples: Vec::new(),
    };
    let mut session = Session { rows: candidates.into_iter().map(row).collect(), status: None, is_interrupted: false };
    let count = session.rows.len();
    let rounds = u64::from(warmups) + u64::from(runs);
    let all = rounds * session.rows.iter().filter(|row| row.failure.is_none()).count() as u64;
    let progress = progress::bar(all);
    progress.suspend(|| {
        eprintln!(
            "xalloc compare: {}, {rounds} under each allocator; Ctrl-C ends it, and shows what there is",
            counted(all, "run")
        )
    });
    let start = Instant::now();
    let turns = (0..rounds as usize).flat_map(|round| (0..count).map(move |turn| (round, turn)));
    for (round, turn) in turns {
        let index = (base + round + turn) % count;
        progress.set_message(session.rows[index].candidate.name.clone());
        if session.rows[index].failure.is_some() {
            continue;
        }
        session.step(task, index, round, warmups as usize)?;
        progress.inc(1);
        if session.rows[index].failure.is_some() {
            progress.dec_length(rounds - 1 - round as u64);
        }
        if progress.position() == 1 {
            let whole = start.elapsed() * all.try_into().unwrap_or(u32::MAX);
            if whole >= WORTH_TELLING {
                progress.suspend(|| {
                    eprintln!("xalloc compare: it takes about {} if all runs are like the first", HumanDuration(whole))
                });
            }
        }
        // Without the base, the others say nothing.
        if session.is_interrupted || session.rows[base].failure.is_some() {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(session)
}

impl Session {
    /// Makes one run of one candidate that counts, or marks the candidate as failed.
    fn step(&mut self, task: &Task, index: usize, round: usize, warmups: usize) -> Result<()> {
        let is_setting = round == 0 && self.rows[index].candidate.name == BASE;
        if self.rows[index].failure.is_some() {
            return Ok(());
        }
        let attempt = loop {
            let attempt = self.attempt(task, index, round, is_setting)?;
            // While this command is stopped, time goes on, and so does the program.
            if !interrupt::was_stopped() {
                break attempt;
            }
        };
        let row = &mut self.rows[index];
        match attempt {
            Attempt::Done(sample) if round >= warmups => row.samples.push(sample),
            Attempt::Done(_) => {}
            Attempt::Failed(failure) if is_setting => return Err(hopeless(&failure)),
            Attempt::Failed(failure) => row.failure = Some(failure),
            Attempt::Interrupted => self.is_interrupted = true,
        }
        Ok(())
    }

    /// Makes one run of one candidate. If `is_setting`, it determines how all other runs have to end.
    fn attempt(&mut self, task: &Task, index: usize, round: usize, is_setting: bool) -> Result<Attempt> {
        let candidate = &self.rows[index].candidate;
        let Task { subject, server } = task;
        subject.prepare()?;
        if interrupt::came() {
            return Ok(Attempt::Interrupted);
        }
        if let Some(server) = server {
            return server.run(subject, candidate);
        }
        let judge = match round {
            0 if is_setting => Judge::Setting,
            0 => Judge::Proving(self.status),
            _ => Judge::Comparing(self.status),
        };
        let (attempt, status) = subject.run(candidate, judge)?;
        if is_setting {
            self.status = status;
        }
        Ok(attempt)
    }

    /// Returns how the program ended under the base, if that was not with exit code 0.
    pub fn unusual_status(&self) -> Option<String> {
        self.status.filter(|status| !status.success()).map(|status| words(Some(status)))
    }
}

/// Returns the error for a comparison whose base failed.
fn hopeless(failure: &Failure) -> anyhow::Error {
    let lines: String = failure.stderr.iter().map(|line| format!("\n  {line}")).collect();
    anyhow!("there is nothing to compare with: under {BASE} itself it fails: {}{lines}", failure.reason)
}
