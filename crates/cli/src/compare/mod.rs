//! `xalloc compare`: measures a program of the user under each allocator, side by side.

mod candidates;
mod entry;
mod figure;
mod files;
mod page;
mod report;
mod sample;
mod scatter;
mod schedule;
mod server;
mod setup;
mod strip;
mod subject;
mod table;
mod verdict;

use crate::measure::counters::Counter;
use crate::measure::interrupt;
use crate::measure::machine::Machine;
use crate::measure::process::Output;
use crate::measure::tree;
use crate::refusal::{self, Refusal};
use crate::report::files::{check, write};
use crate::seconds::seconds;
use crate::{binary, exit};
use anyhow::Result;
use figure::Figure;
use regex::Regex;
use report::Report;
use sample::Sample;
use schedule::{Row, Session, Task};
use server::Server;
use setup::{By, Negligible, Setup};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use subject::Subject;

/// A run that takes fewer seconds than this ends before the memory of its processes was read often.
const SHORT: f64 = 0.25;

const EXAMPLES: &str = "\
Examples:
  xalloc compare -n 5 -- python3 script.py
  xalloc compare -a xalloc,mine=./libmine.so --html report.html -- ./program --its-option
  xalloc compare -n 3 --ready 'redis-cli -p 7379 ping' --load 'redis-benchmark -p 7379 -q -n 50000 -t set,get' -- redis-server --port 7379 --save '' --appendonly no";

/// Measure a program under several allocators, and tell which one suits it.
///
/// The program runs under each allocator in turn, A B C B C A …, so that a machine that is slow for a while is slow for all
/// of them. The first run of each is not counted; it proves that the allocator's library really is in the program.
/// Shown are means with their standard deviations, and ratios to `system`, the program as it is; `~` stands before a
/// ratio that shows no difference.
///
/// For a server, --ready tells when it answers, and --load gives it the work that is measured.
///
/// Exit codes: 0 fine; 1 a run failed, or an allocator that -a names cannot be used; 2 wrong usage, such as an unknown name;
/// 126 the program cannot be executed; 127 it does not exist; 130 interrupted.
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Only these allocators, in this order: names, or NAME=LIBRARY for any other library [default: all that this machine has].
    /// With NAME:OPTION=VALUE, options of the allocator make a row of their own (several: NAME:A=1:B=2). `system`, the C
    /// library's malloc, is always among them; `default` and `glibc` are other names of it.
    #[arg(short, long, value_delimiter = ',', value_name = "NAME,…")]
    allocators: Vec<String>,
    /// Runs of the program under each allocator
    #[arg(short = 'n', long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Runs before those, which do not count
    #[arg(long, value_name = "RUNS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    warmup: u32,
    /// End a run, or a server's load, that takes longer, and count it as failed [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// What the program reads as its standard input [default: nothing]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where the program's standard output goes
    #[arg(long, value_enum, default_value = "discard")]
    output: Output,
    /// A shell command to run before each run, outside the measurement
    #[arg(long, value_name = "COMMAND")]
    prepare: Option<String>,
    /// A regular expression for a number in what the program, or a server's load, prints; bigger is better, and it takes the
    /// place of the time. Its first group is the number; a name of that group is shown: '(?<per_second>[0-9.]+) requests'
    #[arg(long, value_name = "REGEX")]
    metric: Option<Regex>,
    /// The program is a server: a shell command that succeeds once it answers
    #[arg(long, value_name = "COMMAND", requires = "load")]
    ready: Option<String>,
    /// A shell command that gives the server work; its time is what is measured
    #[arg(long, value_name = "COMMAND", requires = "ready")]
    load: Option<String>,
    /// Wait so long after a server's load, then measure the memory of all its processes: what it keeps when it has nothing to
    /// do
    #[arg(long, value_name = "SECONDS", requires = "load", value_parser = seconds)]
    settle: Option<Duration>,
    /// Also measure the memory of all processes together, each page once (Linux: the sum of their PSS), twenty times a second.
    /// Without this option, peak memory is the largest resident set of one process. Takes some processor time
    #[arg(long)]
    tree: bool,
    /// Sort the rows by this figure, and decide by it alone [default: by time and memory together]. Memory is
    /// that of all processes with --tree, otherwise the peak
    #[arg(long, value_enum, value_name = "FIGURE")]
    by: Option<By>,
    /// Ignore differences in time that are smaller than this
    #[arg(long, value_name = "SECONDS", default_value = "0.0001", value_parser = number)]
    ignore_time: f64,
    /// Ignore differences in memory that are smaller than this
    #[arg(long, value_name = "KIB", default_value = "256", value_parser = number)]
    ignore_memory: f64,
    /// How long a server may take until it is ready
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    ready_timeout: Duration,
    /// How long a server may take to end after SIGTERM before it is killed
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    stop_timeout: Duration,
    /// Write everything, every run included, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write every run as a line of CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the tables as Markdown
    #[arg(long, value_name = "FILE")]
    md: Option<PathBuf>,
    /// Write a page with tables and pictures that needs no other file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the picture of time against memory
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARGUMENT"])]
    command: Vec<OsString>,
}

fn number(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..1e12).contains(&number) => Ok(number),
        _ => Err(format!("'{text}' is no number from 0 on")),
    }
}

/// Compares, and prints and writes what was asked for.
///
/// # Errors
/// Nothing could be measured, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    refusal::exit_code("compare", compare(arguments))
}

/// Returns the names that `-a` takes, for completions; none if the user's layers cannot be listed.
pub fn known_names() -> Vec<String> {
    candidates::known().unwrap_or_default().into_iter().map(|candidate| candidate.name).collect()
}

fn compare(arguments: &Arguments) -> Result<u8> {
    let mut chosen = candidates::choose(candidates::known()?, &arguments.allocators)?;
    match binary::examine(&arguments.command[0]) {
        Ok(examination) => candidates::refuse(&mut chosen, &examination),
        // A program that cannot be read may still run.
        Err(error) if error.may_run() => {}
        Err(error) => return Err(Refusal { message: error.to_string(), code: error.exit_code() }.into()),
    }
    let is_asked_for = !arguments.allocators.is_empty();
    let subject = arguments.task()?;
    if arguments.output == Output::Inherit && arguments.files().contains(&Some(Path::new("-"))) {
        let message = "--output inherit: the standard output is for the file - already; name a file instead of -";
        return Err(Refusal::wrong_usage(message).into());
    }
    check(&arguments.files())?;
    let setup = arguments.setup();
    let obstacles = chosen.iter().filter(|candidate| candidate.obstacle.is_some()).count();
    interrupt::install()?;
    let session = schedule::run(&subject, chosen, arguments.warmup, arguments.runs)?;
    let failures = session.rows.iter().filter(|row| row.failure.is_some()).count();
    let is_interrupted = session.is_interrupted;
    let mut notes = notes(&session);
    notes.extend(arguments.notes_on_memory(&session));
    let report = Report::new(setup, session.rows, notes);
    table::print(&report);
    arguments.write(&report)?;
    Ok(match failures {
        _ if is_interrupted => exit::INTERRUPTED,
        0 => 0,
        // A library that nobody asked for by name may be missing.
        _ if !is_asked_for && failures == obstacles => 0,
        _ => exit::FOUND,
    })
}

impl Arguments {
    fn task(&self) -> Result<Task, Refusal> {
        if let Some(input) = &self.input
            && let Err(error) = std::fs::File::open(input)
        {
            return Err(Refusal::wrong_usage(format!("--input {}: {error}", input.display())));
        }
        let server = self.ready.clone().zip(self.load.clone()).map(|(ready, load)| Server {
            ready,
            load,
            ready_limit: self.ready_timeout,
            settle: self.settle,
            stop_limit: self.stop_timeout,
        });
        let subject = Subject {
            command: self.command.clone(),
            input: self.input.clone(),
            output: self.output,
            limit: self.timeout,
            prepare: self.prepare.clone(),
            metric: self.metric.clone(),
            tree: self.tree,
        };
        Ok(Task { subject, server })
    }

    fn setup(&self) -> Setup {
        let name = |metric: &Regex| metric.capture_names().flatten().next().unwrap_or("metric").replace('_', " ");
        Setup {
            version: env!("CARGO_PKG_VERSION"),
            date: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            machine: Machine::here(),
            command: self.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
            load: self.load.clone(),
            metric: self.metric.as_ref().map(name),
            runs: self.runs,
            warmup: self.warmup,
            by: self.by,
            tree: self.tree,
            settle: self.settle.map(|time| time.as_secs_f64()),
            negligible: Negligible { time: self.ignore_time, memory: self.ignore_memory },
        }
    }

    fn files(&self) -> [Option<&Path>; 5] {
        [&self.json, &self.csv, &self.md, &self.html, &self.svg].map(|path| path.as_deref())
    }

    /// Returns notes on the kinds of memory, where there are several, and on those that could not be measured.
    fn notes_on_memory(&self, session: &Session) -> Vec<String> {
        let mut notes = Vec::new();
        if self.tree || self.settle.is_some() {
            let mut kinds = "peak memory is the largest resident set of one process (RSS)".to_owned();
            if self.tree {
                kinds += "; all processes: the most that the program and all it started held together (PSS)";
            }
            if let Some(time) = self.settle {
                kinds += &format!("; settled: what all processes held {} s after the load (PSS)", time.as_secs_f64());
            }
            notes.push(kinds);
        }
        let asked = [(self.tree, Figure::Tree), (self.settle.is_some(), Figure::Settled)];
        let asked = asked.into_iter().filter_map(|(is_asked, figure)| is_asked.then_some(figure));
        notes.extend(asked.filter_map(|figure| unavailable(session, figure)));
        let is_short = |sample: &Sample| sample.usage.wall < SHORT;
        if self.tree && self.load.is_none() && session.rows.iter().flat_map(|row| &row.samples).any(is_short) {
            notes.push(
                "--tree reads the memory twenty times a second: of runs as short as these it has seen hardly anything"
                    .into(),
            );
        }
        notes
    }

    /// Writes every file that can be written.
    fn write(&self, report: &Report) -> Result<()> {
        let [json, csv, md, html, svg] = self.files();
        let written = [
            write(json, || files::json(report)),
            write(csv, || files::csv(report)),
            write(md, || Ok(files::markdown(report))),
            write(html, || page::render(report)),
            write(svg, || Ok(scatter::render(report))),
        ];
        written.into_iter().collect()
    }
}

/// Returns which candidates have no numbers of a memory that was asked for, and why.
fn unavailable(session: &Session, figure: Figure) -> Option<String> {
    let lacks = |row: &&Row| row.failure.is_none() && row.samples.iter().any(|sample| figure.of(sample).is_none());
    let names: Vec<&str> = session.rows.iter().filter(lacks).map(|row| row.candidate.name.as_str()).collect();
    let why = tree::obstacle().unwrap_or_else(|| {
        "in some run, no process could be read: they ended too soon, or are another user's".to_owned()
    });
    (!names.is_empty()).then(|| format!("{} is not available ({}): {why}", figure.name(), names.join(", ")))
}

/// Returns the notes on the numbers, except those on outliers.
fn notes(session: &Session) -> Vec<String> {
    let mut notes = Vec::new();
    if session.is_interrupted {
        notes.push("interrupted: these are the runs up to then".to_owned());
    }
    if let Some(status) = session.unusual_status() {
        notes.push(format!("under system the program ends with {status}; check that it does what you want measured"));
    }
    if let Some(preload) = std::env::var_os("LD_PRELOAD").filter(|preload| !preload.is_empty()) {
        let preload = preload.display();
        notes.push(format!("LD_PRELOAD is already {preload}: every row has that too, also system"));
    }
    if let Some(obstacle) = Counter::obstacle() {
        notes.push(format!("without the processor's counters (instructions, cache misses, …): {obstacle}"));
    }
    notes
}
