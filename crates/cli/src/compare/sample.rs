//! The result of a run: numbers, or the reason why there are none.

use crate::measure::counters::Counter;
use crate::measure::process::{Finished, Usage};
use crate::measure::status::signal_name;
use serde::Serialize;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The number of lines of a failed run's standard error that are kept.
const LINES: usize = 5;

/// The numbers of one run. For a server, the time is the load's, and everything else the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Sample {
    /// The numbers of the kernel.
    #[serde(flatten)]
    pub usage: Usage,
    /// The numbers that the processor counted.
    pub counters: BTreeMap<Counter, f64>,
    /// The number that `--metric` found.
    pub metric: Option<f64>,
    /// The largest memory of all its processes together, in KiB, if it was watched.
    #[serde(rename = "pss")]
    pub tree: Option<u64>,
    /// The memory of its processes some time after the load, in KiB, if that was asked for.
    #[serde(rename = "settled_pss")]
    pub settled: Option<u64>,
}

/// The reason why a candidate has no numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The reason in one line; further lines say what to do.
    pub reason: String,
    /// The last lines of the program's standard error.
    pub stderr: Vec<String>,
}

impl Failure {
    /// Returns a failure about which the program itself prints nothing.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), stderr: Vec::new() }
    }

    /// Returns a failure with the last lines that the program printed.
    pub fn of(reason: impl Into<String>, errors: &str) -> Self {
        let lines: Vec<&str> = errors.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned());
        Self { reason: reason.into(), stderr: last.collect() }
    }

    /// Returns the first line of the reason, which fits in a cell.
    pub fn headline(&self) -> &str {
        self.reason.lines().next().unwrap_or_default()
    }

    /// Returns everything else: the other lines of the reason, and what the program printed.
    pub fn details(&self) -> Vec<&str> {
        self.reason.lines().skip(1).chain(self.stderr.iter().map(String::as_str)).collect()
    }
}

/// The end of a run.
#[derive(Debug)]
pub enum Attempt {
    /// The run counts.
    Done(Sample),
    /// The run does not count.
    Failed(Failure),
    /// The user pressed Ctrl-C.
    Interrupted,
}

/// Returns a status in a few words.
pub fn words(status: Option<ExitStatus>) -> String {
    match status {
        None => "not over in time".into(),
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit {code}"),
            (None, Some(signal)) => format!("killed by {}", signal_name(signal)),
            (None, None) => status.to_string(),
        },
    }
}

/// The largest number that is accepted; the square of a larger one may overflow.
const LARGEST: f64 = 1e150;

/// Returns a number in what a program printed: the first group of the first match, or the whole match.
pub fn metric(pattern: &regex::Regex, finished: &Finished) -> Result<f64, Failure> {
    let Some(found) = pattern.captures(&finished.output) else {
        return Err(Failure::of(format!("--metric {pattern} matches nothing that was printed"), &finished.output));
    };
    let text = found.get(1).or(found.get(0)).map_or("", |text| text.as_str());
    let number = text.replace(',', "").parse().ok().filter(|number: &f64| number.abs() < LARGEST);
    number.ok_or_else(|| Failure::new(format!("--metric {pattern} finds '{text}', which is no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_words_for_every_end() {
        assert_eq!(words(Some(ExitStatus::from_raw(3 << 8))), "exit 3");
        assert_eq!(words(Some(ExitStatus::from_raw(libc::SIGSEGV))), "killed by SIGSEGV");
        assert_eq!(words(None), "not over in time");
    }

    #[test]
    fn keeps_the_last_lines() {
        let failure = Failure::of("no", "1\n2\n\n3\n4\n5\n6\n");
        assert_eq!(failure.stderr, ["2", "3", "4", "5", "6"]);
    }

    #[test]
    fn finds_a_number() {
        let finished = |output: &str| Finished {
            status: None,
            usage: Usage::default(),
            counts: BTreeMap::new(),
            output: output.into(),
            errors: String::new(),
        };
        let pattern = regex::Regex::new(r"(?<rps>[\d.,]+) requests per second").unwrap();
        assert_eq!(metric(&pattern, &finished("SET: 12,345.5 requests per second\n")), Ok(12345.5));
        assert!(metric(&pattern, &finished("nothing")).unwrap_err().reason.contains("matches nothing"));
        let word = regex::Regex::new("[a-z]+").unwrap();
        assert!(metric(&word, &finished("abc")).unwrap_err().reason.contains("no number"));
    }
}
