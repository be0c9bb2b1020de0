//! `xalloc check`: which promises of malloc a library keeps.

mod outcome;
mod program;
mod report;
mod table;

use crate::catalogue::candidate::Candidate;
use crate::catalogue::{self, Choice, NotFound};
use crate::measure::interrupt;
use crate::refusal::Refusal;
use crate::report::files::{self, write};
use crate::seconds::seconds;
use crate::{exit, refusal};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use program::{Program, Promise};
use report::{Report, Row, Side};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use xalloc_layers::nearest;

/// Tell which promises of malloc a library keeps: for whoever writes a heap.
///
/// A promise is what C, C++, POSIX and glibc say of malloc and its like, and what programs rely on: one line each. Every
/// promise is checked in a process of its own, with the library preloaded and nothing else. So one that crashes or hangs is
/// broken, with the reason, and the others are checked all the same. `not here` is what cannot be checked: the library leaves
/// it to libc, or this libc does not have it.
///
/// With --against system, each is also checked on the C library's own malloc. A promise that is broken there too does not
/// count.
///
/// The library's own options are taken from the environment, as XALLOC_CONF.
///
/// Exit codes: 0 all promises hold; 1 one is broken; 2 wrong usage, or a library that cannot be preloaded; 3 there is no such
/// library; 130 interrupted.
#[derive(clap::Args)]
pub struct Arguments {
    /// The library: an allocator of xalloc list (`system` is the C library's malloc), or a path with a slash
    #[arg(required_unless_present = "list")]
    library: Option<String>,
    /// Check each promise under this allocator or library too, and excuse what is broken there: system
    #[arg(long, value_name = "LIBRARY")]
    against: Option<String>,
    /// Only these promises: groups, names, or the beginning of names
    #[arg(short, long, value_delimiter = ',', value_name = "NAME,…")]
    promises: Vec<String>,
    /// End a promise that takes longer, and count it as broken
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    timeout: Duration,
    /// List the promises, and check nothing
    #[arg(long)]
    list: bool,
    /// Write everything as JSON; - is the standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Checks a library, and prints and writes the results.
///
/// # Errors
/// Nothing can be checked, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    refusal::exit_code("check", check(arguments))
}

/// Returns the names that `--promises` takes, for completions; none where xalloc-check is not built.
pub fn known_promises() -> Vec<String> {
    let promises = Program::find().and_then(|program| program.promises()).unwrap_or_default();
    promises.into_iter().map(|promise| promise.name).collect()
}

fn check(arguments: &Arguments) -> Result<u8> {
    let library = arguments.library.as_deref().map(candidate).transpose()?;
    let against = arguments.against.as_deref().map(candidate).transpose()?;
    let program = Program::find()?;
    let promises = choose(program.promises()?, &arguments.promises)?;
    let Some(library) = library.filter(|_| !arguments.list) else {
        table::list(&promises);
        return Ok(0);
    };
    files::check(&[arguments.json.as_deref()])?;
    interrupt::install()?;
    let rows = rows(&program, promises, &library, against.as_ref(), arguments.timeout)?;
    let report = Report::new(program.path(), Side::of(&library), against.as_ref().map(Side::of), rows);
    table::print(&report);
    write(arguments.json.as_deref(), || Ok(serde_json::to_string_pretty(&report)?))?;
    Ok(match report {
        _ if interrupt::came() => exit::INTERRUPTED,
        report if report.holds => 0,
        _ => exit::FOUND,
    })
}

/// Returns the library that the user means.
fn candidate(name: &str) -> Result<Candidate, Refusal> {
    let choice = catalogue::choose(name).map_err(|error| Refusal {
        code: if error.is::<NotFound>() { exit::NO_ALLOCATOR } else { exit::WRONG_USAGE },
        message: format!("{error:#}"),
    })?;
    let candidate = match choice {
        Choice { library: Some(found), allocator: Some(allocator), .. } => Candidate::of(&allocator, &found.path),
        Choice { library: Some(found), name, .. } => Candidate::preloading(&name, &found.path),
        Choice { name, .. } => Candidate { name, ..Candidate::default() },
    };
    match candidate.obstacle {
        Some(obstacle) => Err(Refusal::wrong_usage(obstacle)),
        None => Ok(candidate),
    }
}

/// Returns the promises that the `wanted` words mean, or all of them.
fn choose(mut all: Vec<Promise>, wanted: &[String]) -> Result<Vec<Promise>, Refusal> {
    let groups: BTreeSet<String> = all.iter().map(|promise| promise.group.clone()).collect();
    let is_meant = |promise: &Promise, word: &str| match groups.contains(word) {
        true => promise.group == word,
        false => promise.name.starts_with(word),
    };
    for word in wanted {
        if !all.iter().any(|promise| is_meant(promise, word)) {
            let names = all.iter().flat_map(|promise| [promise.name.as_str(), promise.group.as_str()]);
            let question = nearest(word, names).map_or(String::new(), |name| format!("; did you mean '{name}'?"));
            let message =
                format!("there is no group '{word}', and no promise's name begins so; --list names them{question}");
            return Err(Refusal::wrong_usage(message));
        }
    }
    all.retain(|promise| wanted.is_empty() || wanted.iter().any(|word| is_meant(promise, word)));
    Ok(all)
}

/// Checks the promises one after the other: several at once would compete for threads, memory and time. An interrupt ends the
/// checks.
fn rows(
    program: &Program,
    promises: Vec<Promise>,
    library: &Candidate,
    against: Option<&Candidate>,
    limit: Duration,
) -> Result<Vec<Row>> {
    let progress = ProgressBar::new(promises.len() as u64);
    progress
        .set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}").expect("a correct template"));
    let mut rows = Vec::new();
    for promise in promises {
        progress.set_message(promise.name.clone());
        let outcome = program.check(&promise, library, limit)?;
        let control = against.map(|against| program.check(&promise, against, limit)).transpose()?;
        if interrupt::came() {
            break;
        }
        rows.push(Row::new(promise, outcome, control));
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(rows)
}
