//! One run of one workload in a fresh process.

use crate::measure::interrupt;
use crate::measure::process::{self, Finished, Output};
use anyhow::Result;
use serde::Serialize;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The exit code of a script that cannot run here, as Automake uses it.
const SKIPPED: i32 = 77;
/// The time after which a run is ended. A workload takes only seconds.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// The measurements of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// Seconds, as the workload itself measured them; if it does not, those of the whole process.
    pub time: f64,
    /// Seconds from the start to the end of the process.
    pub wall: f64,
    /// Seconds of processor time, in user and kernel mode.
    pub cpu: f64,
    /// The largest resident set of the process or one of its children, in KiB.
    pub rss: i64,
    /// Page faults that needed no disk.
    pub faults: i64,
    /// The number of times that the process waited for something.
    pub switches: i64,
    /// Other numbers that the workload printed, with their names.
    pub notes: Vec<(String, String)>,
}

/// The outcome of a run.
pub enum Outcome {
    /// It ended well.
    Done(Measurement),
    /// It cannot run here, for this reason.
    Skipped(String),
    /// It failed, for this reason.
    Failed(String),
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// Runs the command that `command` makes, and waits for it. Runs it again if this command was stopped meanwhile, because time
/// went on then.
pub fn run(command: impl Fn() -> Command) -> Result<Outcome> {
    loop {
        let outcome = once(command())?;
        if !interrupt::was_stopped() {
            return Ok(outcome);
        }
    }
}

fn once(mut command: Command) -> Result<Outcome> {
    command.stdin(Stdio::null());
    let mut process = process::start(command, Output::Keep, Some(TIME_LIMIT))?;
    process.end_on_interrupt();
    let finished = process.wait()?;
    if interrupt::came() {
        return Ok(Outcome::Interrupted);
    }
    if let Some(complaint) = finished.left_out() {
        return Ok(Outcome::Failed(complaint.to_owned()));
    }
    let Finished { status, usage, output, errors, .. } = finished;
    let Some(status) = status else {
        return Ok(Outcome::Failed(format!("not over after {} s", TIME_LIMIT.as_secs())));
    };
    if status.code() == Some(SKIPPED) {
        return Ok(Outcome::Skipped(errors.trim().to_owned()));
    }
    if !status.success() {
        let last = errors.lines().last().unwrap_or("no message").to_owned();
        return Ok(Outcome::Failed(format!("{status}: {last}")));
    }
    let own = output.lines().find_map(|line| line.strip_prefix("time: ")?.parse().ok());
    let note = |line: &str| {
        let (name, value) = line.strip_prefix("note: ")?.split_once(' ')?;
        Some((name.to_owned(), value.to_owned()))
    };
    Ok(Outcome::Done(Measurement {
        time: own.unwrap_or(usage.wall),
        wall: usage.wall,
        cpu: usage.user + usage.system,
        rss: usage.rss,
        faults: usage.minor_faults,
        switches: usage.voluntary_switches,
        notes: output.lines().filter_map(note).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Outcome {
        let command = || {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        run(command).unwrap()
    }

    #[test]
    fn reads_what_the_workload_says() {
        let Outcome::Done(measured) = shell("echo time: 0.25; echo note: p50_us 12; echo else") else { panic!() };
        assert_eq!(measured.time, 0.25);
        assert_eq!(measured.notes, [("p50_us".to_owned(), "12".to_owned())]);
        assert!(measured.wall > 0.0 && measured.rss > 0 && measured.faults > 0);
    }

    #[test]
    fn tells_failure_from_skipping() {
        assert!(matches!(shell("echo no >&2; exit 3"), Outcome::Failed(why) if why.ends_with(": no")));
        assert!(matches!(shell("echo not here >&2; exit 77"), Outcome::Skipped(why) if why == "not here"));
        assert!(matches!(shell("kill -SEGV $$"), Outcome::Failed(_)));
    }

    #[test]
    fn a_run_without_the_allocator_is_a_failure() {
        let words = "object '/x.so' from LD_PRELOAD cannot be preloaded (ELF file ABI version invalid): ignored.";
        let Outcome::Failed(why) = shell(&format!("echo \"ERROR: ld.so: {words}\" >&2")) else { panic!() };
        assert_eq!(why, format!("ld.so: {words}"));
    }
}
