//! `xalloc stats`: how much a program has allocated, in which sizes and by which threads.

mod report;
mod sink;
mod table;

use crate::exit;
use crate::observed::process::Process;
use crate::observed::segment::{Segment, unreadable_segment};
use crate::observed::snapshot::Snapshot;
use crate::observed::start::{self, Ended};
use crate::observed::{mark, switch};
use crate::refusal::{self, Refusal};
use crate::seconds::seconds;
use anyhow::Result;
use report::{Report, Since};
use sink::Sink;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::{Shown, Sort};
use xalloc_observe::COUNTERS;
use xalloc_observe::reader::Unreadable;

const USAGE: &str = "\
xalloc stats [OPTIONS] <PID>
       xalloc stats [OPTIONS] -- <PROGRAM> [ARGUMENT]...";

const EXAMPLES: &str = "\
Examples:
  xalloc stats -- ./program --its-option
  xalloc stats -a jemalloc -o statistics.txt -- python3 script.py
  xalloc stats 4711 --threads --top 10
  xalloc stats 4711 --mark; sleep 60; xalloc stats 4711 --since-mark
  xalloc stats 4711 --off";

/// Show how much a program allocates and frees: in which sizes, by which threads, and what is live.
///
/// The program is a process that runs on libxalloc, by its number, or one that is started. A process that was started without
/// XALLOC_CONF=observe:true is observed from its next allocation on; what it had allocated before is not counted then. It goes
/// on being observed until --off, which costs it some time in malloc and free.
///
/// A program that is started is observed from its first allocation on, and the statistics are printed when it has ended, in
/// whatever way. They are of the process itself, and not of those that it starts.
///
/// Exit codes: 0 fine; 1 the process cannot be observed; 2 wrong usage. With a program: its own, 128 and the signal's number if
/// a signal ended it, or those of xalloc run if it was not started (2, 3, 4, 126, 127).
#[derive(clap::Args)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub struct Arguments {
    /// The process
    #[arg(value_name = "PID", value_parser = process_number, required_unless_present = "command", conflicts_with = "command")]
    process: Option<u32>,
    #[command(flatten)]
    start: start::Options,
    /// Show each thread too, and not only each size
    #[arg(short, long)]
    threads: bool,
    /// Show only so many rows of each table, and the sum of the others
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    top: Option<u32>,
    /// The order of rows: by size (threads: by number), or the largest first; with --top it is live, otherwise size
    #[arg(long, value_enum)]
    sort: Option<Sort>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write to this file; otherwise to standard output, and for a program that is started to standard error
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Store the counts as they are now, for --since-mark; the peak begins anew
    #[arg(long, conflicts_with_all = ["since_mark", "every", "off", "command", "json", "output"])]
    mark: bool,
    /// Show the difference to the stored counts
    #[arg(long, conflicts_with_all = ["threads", "off", "command"])]
    since_mark: bool,
    /// Print again and again, until this command is interrupted or the process ends
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with_all = ["off", "command"])]
    every: Option<Duration>,
    /// How long to wait for a process that is not observed yet to allocate
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, conflicts_with = "command")]
    wait: Duration,
    /// Observe the process no longer
    #[arg(long, conflicts_with = "command")]
    off: bool,
    /// The program, a path or a name that is looked up in PATH, and its arguments
    #[arg(last = true, value_names = ["PROGRAM", "ARGUMENT"])]
    command: Vec<OsString>,
}

/// Shows the statistics of a process.
///
/// # Errors
/// They cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    match arguments.process {
        Some(process) => refusal::exit_code("stats", attach(arguments, process)),
        None => match start(arguments) {
            Ok(code) => Ok(code),
            Err(error) => refusal::exit_code("stats", Err(error)),
        },
    }
}

/// Reads the number of a process.
fn process_number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "it is no process number; a program to start stands behind --".into())
}

/// Does what is asked with a process that runs.
fn attach(arguments: &Arguments, number: u32) -> Result<u8> {
    let process = Process::find(number)?;
    let say = |line: &str| eprintln!("xalloc stats: process {number} ({}): {line}", process.name());
    if arguments.off {
        match switch::off(&process, COUNTERS)? {
            Some(_) => say("it is not observed any more; what was counted so far stays"),
            None => say("it was not observed"),
        }
        return Ok(0);
    }
    let segment = switch::on(&process, COUNTERS, arguments.wait, say)?;
    if arguments.mark {
        let view = segment.writable(&process)?;
        mark::store(&view, &Snapshot::take(&view).classes());
        say("marked; --since-mark shows what changes from now on");
        return Ok(0);
    }
    let mut sink = Sink::stdout_or(arguments.output.as_deref())?;
    loop {
        sink.write(&text(arguments, &report(arguments, &process, &segment)?)?)?;
        match arguments.every {
            Some(pause) if !process.ends_within(pause) => {}
            Some(_) => {
                sink.write(&text(arguments, &report(arguments, &process, &segment)?)?)?;
                say("it has ended");
                return Ok(0);
            }
            None => return Ok(0),
        }
    }
}

/// Returns the report on a process that runs, or has ended since.
fn report(arguments: &Arguments, process: &Process, segment: &Segment) -> Result<Report, Refusal> {
    let view = segment.view().map_err(|why| unreadable_segment(process, why))?;
    let snapshot = Snapshot::take(&view);
    if arguments.since_mark && snapshot.mark.is_none() {
        let id = process.id();
        return Err(Refusal {
            message: format!("process {id} has no mark; xalloc stats {id} --mark sets one"),
            code: exit::WRONG_USAGE,
        });
    }
    Ok(Report::new(snapshot, &process.threads(), arguments.since_mark))
}

/// Runs a program, and shows its statistics. Returns its exit code.
fn start(arguments: &Arguments) -> Result<ExitCode> {
    let mut sink = Sink::stderr_or(arguments.output.as_deref())?;
    let ended = match start::run("stats", &arguments.start, &[("observe", "true")], &arguments.command)? {
        Ok(ended) => ended,
        Err(code) => return Ok(code),
    };
    match of_ended(&ended) {
        Ok(report) => sink.write(&text(arguments, &report)?)?,
        Err(why) => eprintln!("xalloc stats: {} {why}", arguments.command[0].display()),
    }
    Ok(ExitCode::from(ended.code()))
}

/// Returns the report on a program that has ended; or why there is none.
fn of_ended(ended: &Ended) -> Result<Report, &'static str> {
    let view = ended.segment.segment().view().map_err(|why| match why {
        Unreadable::Empty => "was not observed: libxalloc did not come into it; xalloc doctor says why",
        _ => "has written to its own statistics, which cannot be read",
    })?;
    Ok(Report::new(Snapshot::take(&view), &BTreeMap::new(), false))
}

/// Returns a report as it is printed.
fn text(arguments: &Arguments, report: &Report) -> Result<String> {
    if arguments.json {
        // Several reports are one to a line.
        let render = if arguments.every.is_some() { serde_json::to_string } else { serde_json::to_string_pretty };
        return Ok(render(report)? + "\n");
    }
    let sort = arguments.sort.unwrap_or(if arguments.top.is_some() { Sort::Live } else { Sort::Size });
    let threads = arguments.threads && report.since != Since::Mark;
    Ok(table::render(report, &Shown { threads, top: arguments.top.map(|top| top as usize), sort }))
}
