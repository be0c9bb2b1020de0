//! Fixtures that print one line for each thing they check, turned into one test for each line.

use crate::{fixture, plain, preloaded, run, tail};
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

/// What a fixture said of one row.
type Outcome = Result<Option<String>, String>;

/// Runs the fixture `source` with these arguments on the system's malloc and on xalloc, there with `conf`. Each row becomes a test
/// for each of the two, so that the fixture itself is tested: it must find nothing wrong with glibc.
pub fn both(source: &str, conf: &str, arguments: &[&str]) -> Vec<Trial> {
    let program = fixture(source, &[]);
    let system = outcomes(plain(&program).args(arguments));
    let ours = outcomes(preloaded(&program, conf).args(arguments));
    let names: BTreeSet<String> = system.keys().chain(ours.keys()).cloned().collect();
    let mut trials = Vec::new();
    for name in names {
        trials.push(trial(format!("glibc/{name}"), system.get(&name)));
        trials.push(trial(format!("xalloc/{name}"), ours.get(&name)));
    }
    trials
}

/// Runs a fixture's `command`. Each row that it has becomes a test, and so does each of `wanted`, which it must have.
pub fn alone(heap: &str, command: &mut Command, wanted: &[&str]) -> Vec<Trial> {
    let rows = outcomes(command);
    let names: BTreeSet<&str> = rows.keys().map(String::as_str).chain(wanted.iter().copied()).collect();
    names.into_iter().map(|name| trial(format!("{heap}/{name}"), rows.get(name))).collect()
}

fn trial(name: String, outcome: Option<&Outcome>) -> Trial {
    match outcome.cloned() {
        // Shown as ignored, with the reason in the name: a row that does not apply must be seen.
        Some(Ok(Some(why))) => Trial::test(format!("{name} ({why})"), || Ok(())).with_ignored_flag(true),
        Some(Ok(None)) => Trial::test(name, || Ok(())),
        Some(Err(what)) => Trial::test(name, || Err(Failed::from(what))),
        None => Trial::test(name, || Err(Failed::from("the fixture ended before this row"))),
    }
}

fn outcomes(command: &mut Command) -> BTreeMap<String, Outcome> {
    let output = match run(command, Duration::from_secs(120)) {
        Ok(output) => output,
        Err(error) => return BTreeMap::from([("ends".to_owned(), Err(error))]),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rows: BTreeMap<String, Outcome> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, said)| {
            let outcome = match said.split_once(' ').unwrap_or((said, "")) {
                ("ok", _) => Ok(None),
                ("skip", why) => Ok(Some(why.to_owned())),
                ("FAIL", what) => Err(what.to_owned()),
                _ => return None,
            };
            Some((name.to_owned(), outcome))
        })
        .collect();
    let ended = if output.status.success() { Ok(None) } else { Err(format!("{}\n{}", output.status, tail(&output))) };
    rows.insert("ends".to_owned(), ended);
    rows
}
