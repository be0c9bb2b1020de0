//! `xalloc check`, run on a heap.

use crate::outcome::{Ending, Outcome};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use xalloc_tests::heaps::{CHECK, Heap};
use xalloc_tests::{built, promises};

/// What it writes with `--json`, as far as it matters here.
#[derive(Deserialize)]
struct Report {
    promises: Vec<Promise>,
}

#[derive(Deserialize)]
struct Promise {
    name: String,
    verdict: Verdict,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Holds,
    Broken,
    NotHere,
}

/// Checks what a heap promises. The report goes to the file `log`.
///
/// # Errors
/// The command does not start, or writes no report.
pub fn run(heap: &Heap, log: &Path) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut promised = Vec::new();
    for (_, name) in promises::all() {
        match heap.gap(CHECK, &name) {
            Some(gap) => outcome.add_to_gap(gap),
            None => promised.push(name),
        }
    }
    let mut command = Command::new(built("xalloc-cli", "xalloc"));
    command.arg("check").arg(heap.library()).arg("--promises").arg(promised.join(",")).arg("--json").arg(log);
    let output = command.env("XALLOC_CONF", heap.configuration("")).output()?;
    let text = std::fs::read_to_string(log).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let report: Report = serde_json::from_str(&text)?;
    for Promise { name, verdict } in report.promises {
        let ending = match verdict {
            Verdict::Holds => Ending::Passed,
            Verdict::Broken => Ending::Failed,
            Verdict::NotHere => Ending::Skipped,
        };
        outcome.add(name, ending);
    }
    Ok(outcome)
}
