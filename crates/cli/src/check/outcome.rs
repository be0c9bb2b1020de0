//! The outcome of checking a promise.

use crate::measure::process::Finished;
use crate::measure::status::signal_name;
use serde::Serialize;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use strum::Display;

/// The verdict on a promise.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The promise is kept.
    #[strum(serialize = "holds")]
    Holds,
    /// The promise is broken, or the process ended in another way.
    #[strum(serialize = "broken")]
    Broken,
    /// The promise cannot be checked here.
    #[strum(serialize = "not here")]
    NotHere,
}

/// The outcome of one process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Whether the promise is kept.
    pub verdict: Verdict,
    /// The reason, if it is not kept.
    pub reason: Option<String>,
    /// How long the process took.
    pub seconds: f64,
}

impl Outcome {
    /// Returns the outcome of a process of `xalloc-check run`.
    pub fn of(finished: &Finished, limit: Duration) -> Self {
        let (verdict, reason) = judge(finished, limit);
        Self { verdict, reason, seconds: finished.usage.wall }
    }
}

fn judge(finished: &Finished, limit: Duration) -> (Verdict, Option<String>) {
    let Some(status) = finished.status else {
        return (Verdict::Broken, Some(format!("not over after {} s: a hang", limit.as_secs_f64())));
    };
    let after = |word: &str| finished.output.lines().position(|line| line.starts_with(word));
    let said = |word: &str| after(word).map(|line| one_line(&finished.output, line).replacen(word, "", 1));
    match (status.code(), status.signal()) {
        (Some(0), _) if after("holds").is_some() => (Verdict::Holds, None),
        (Some(3), _) if after("not here: ").is_some() => (Verdict::NotHere, said("not here: ")),
        (Some(1), _) if after("broken: ").is_some() => (Verdict::Broken, said("broken: ")),
        (_, Some(signal)) => {
            (Verdict::Broken, Some(with_message(format!("ended by {}", signal_name(signal)), &finished.errors)))
        }
        (code, None) => {
            let code = code.map_or(String::new(), |code| format!(" with exit code {code}"));
            (Verdict::Broken, Some(with_message(format!("ended{code} before it was checked"), &finished.errors)))
        }
    }
}

/// Returns all lines from this one on, joined to one.
fn one_line(text: &str, from: usize) -> String {
    text.lines().skip(from).flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// Appends the last line that the library printed about it, if there is one.
fn with_message(end: String, errors: &str) -> String {
    match errors.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!("{end}: {}", line.trim()),
        None => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::process::{self, Output};
    use std::process::Command;

    fn outcome(script: &str) -> (Verdict, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let limit = Duration::from_millis(if script.contains("sleep") { 50 } else { 60_000 });
        let finished = process::start(command, Output::Keep, Some(limit)).unwrap().wait().unwrap();
        let outcome = Outcome::of(&finished, limit);
        (outcome.verdict, outcome.reason.unwrap_or_default())
    }

    #[test]
    fn takes_the_word_of_a_process_that_ends_well() {
        assert_eq!(outcome("echo holds"), (Verdict::Holds, String::new()));
        assert_eq!(outcome("echo 'not here: no such call'; exit 3"), (Verdict::NotHere, "no such call".into()));
        assert_eq!(
            outcome("echo 'broken: it says'; echo ' two lines'; exit 1"),
            (Verdict::Broken, "it says two lines".into())
        );
    }

    #[test]
    fn every_other_end_is_broken() {
        assert_eq!(outcome("echo holds; echo bad heap >&2; kill -ABRT $$").1, "ended by SIGABRT: bad heap");
        assert_eq!(outcome("exit 0").1, "ended with exit code 0 before it was checked");
        assert_eq!(outcome("echo no >&2; exit 7").1, "ended with exit code 7 before it was checked: no");
        assert_eq!(outcome("echo holds; sleep 60").1, "not over after 0.05 s: a hang");
    }
}
