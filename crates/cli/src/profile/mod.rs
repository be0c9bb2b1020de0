//! `xalloc profile`: which call sites hold a program's memory.

mod amounts;
mod choice;
mod files;
mod input;
mod live;
mod table;

use crate::observed::start;
use crate::refusal::{self, Refusal};
use anyhow::Result;
use choice::{By, Choice, Sort};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xalloc_profile::{Names, Places, Report};

const EXAMPLES: &str = "\
Examples:
  xalloc profile -- ./program --its-option
  xalloc profile --seconds 30 4711
  MALLOC_CONF=prof:true,prof_final:true,prof_accum:true LD_PRELOAD=libjemalloc.so.2 ./server
  xalloc profile jeprof.4711.0.f.heap
  xalloc profile --base jeprof.4711.1.i1.heap jeprof.4711.9.i9.heap
  xalloc profile --by stack --top 3 jeprof.4711.0.f.heap
  xalloc profile --pprof server.pb.gz --flamegraph server.svg jeprof.4711.0.f.heap";

/// Show which call sites hold a program's memory, from heap profiles.
///
/// It is of a process that runs on libxalloc, by its number; of a program that is started; or what was written to files. A process
/// that was started without XALLOC_CONF=prof:true is profiled for some seconds, and what it has allocated before is not seen.
///
/// A file is a text that xalloc or jemalloc has written (heap_v2), or the older one of gperftools. It has addresses; their
/// names are looked for in the files that the program had mapped, and in their debug information: in the file itself, in
/// /usr/lib/debug by build-id, or where the file says (.gnu_debuglink). Nothing is fetched from a network. Several profiles
/// are added up.
///
/// A profiler takes samples. What is shown are estimates of what was really there, made as jeprof makes them: the counts of a
/// stack are divided by 1 - exp(-SIZE / INTERVAL), with SIZE the mean of its blocks. The first line says what the interval
/// was; gperftools counts every allocation.
///
/// Exit codes: 0 fine; 1 a file cannot be written, or the process cannot be observed; 2 wrong usage, or a file that is no
/// profile. With a program: its own, 128 and the signal's number if a signal ended it, or those of xalloc run if it was not
/// started (2, 3, 4, 126, 127).
#[derive(clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// The profiles, or the number of a process; - is the standard input
    #[arg(value_name = "FILE", required_unless_present = "command", conflicts_with = "command")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    live: live::Sampling,
    #[command(flatten)]
    start: start::Options,
    /// Show what has changed since this profile of the same program: it is subtracted
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// What counts, and what comes first
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Sort::Live)]
    sort: Sort,
    /// What a row is
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::Function)]
    by: By,
    /// Show so many rows; 0 is all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Keep the functions of the allocator itself, such as malloc and operator new, at the inner end of stacks
    #[arg(long)]
    with_allocator: bool,
    /// Names of code that was made at run time, as python3 -X perf and node --perf-basic-prof write them [default:
    /// /tmp/perf-PID.map, if the name of the profile has the process id, as jemalloc's have]
    #[arg(long, value_name = "FILE")]
    perf_map: Option<PathBuf>,
    /// Where debug information is looked for
    #[arg(long, value_name = "DIRECTORY", default_value = "/usr/lib/debug")]
    debug_directory: PathBuf,
    /// The program, a path or a name that is looked up in PATH, and its arguments
    #[arg(last = true, value_names = ["PROGRAM", "ARGUMENT"])]
    command: Vec<OsString>,
    #[command(flatten)]
    files_to_write: files::Files,
}

/// Reads profiles, prints the table, and writes the files that are asked for.
///
/// # Errors
/// A file cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.command.is_empty() {
        return refusal::exit_code("profile", of_files(arguments).map(|()| 0));
    }
    match of_program(arguments) {
        Ok(code) => Ok(code),
        Err(error) => refusal::exit_code("profile", Err(error)),
    }
}

fn of_files(arguments: &Arguments) -> Result<()> {
    let is_single = arguments.files.len() == 1 && arguments.base.is_none();
    arguments.files_to_write.check(is_single)?;
    let read = |file: &PathBuf| match process_number(file) {
        Some(number) => live::of_process(number, &arguments.live),
        None => input::read(file),
    };
    let inputs = arguments.files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    show(arguments, &inputs, is_single)
}

/// Returns the number of a process, if the argument is one, and no file.
fn process_number(file: &Path) -> Option<u32> {
    if file.exists() { None } else { file.to_str()?.parse().ok() }
}

/// Runs the program, and shows its profile. Returns its exit code.
fn of_program(arguments: &Arguments) -> Result<ExitCode> {
    arguments.files_to_write.check(arguments.base.is_none())?;
    let (input, code) = match live::of_program(&arguments.start, &arguments.command)? {
        Ok(ended) => ended,
        Err(code) => return Ok(code),
    };
    show(arguments, &[input], arguments.base.is_none())?;
    Ok(code)
}

fn show(arguments: &Arguments, inputs: &[input::Input], is_single: bool) -> Result<()> {
    let base = arguments.base.as_deref().map(input::read).transpose()?;
    let mut names = Names::new(Places { debug: arguments.debug_directory.clone() });
    let mut named = |input| named(&mut names, input, arguments);
    let reports = inputs.iter().map(&mut named).collect::<Result<Vec<_>, _>>()?;
    let samples = is_single.then(|| reports[0].samples(&inputs[0].profile));
    let mut report = Report::default();
    reports.into_iter().for_each(|one| report.add(one));
    if let Some(base) = &base {
        report.subtract(named(base)?);
    }
    let figure = arguments.sort.figure();
    if figure.is_accumulated() && report.stacks.iter().all(|stack| figure.of(stack.counts) == 0) {
        let message =
            "the profile has only what is live: nothing to sort by (jemalloc counts all with prof_accum:true)";
        return Err(Refusal::wrong_usage(message).into());
    }
    report.notices().iter().for_each(|notice| eprintln!("xalloc profile: {notice}"));
    table::print(&report, &Choice { by: arguments.by, figure, top: arguments.top, is_change: base.is_some() });
    let content = files::Content { name: inputs[0].name(), written: inputs[0].written, report, samples, figure };
    arguments.files_to_write.write(&content)
}

/// Returns a profile with names, without the allocator's own functions unless they are asked for.
fn named(names: &mut Names, input: &input::Input, arguments: &Arguments) -> Result<Report, Refusal> {
    let perf_map = input::perf_map(&input.path, arguments.perf_map.as_deref())?;
    let progress = crate::measure::progress::bar(input.profile.stacks.len() as u64).with_message("looking for names");
    let mut report = names.name(&input.profile, perf_map.as_ref(), || progress.inc(1));
    progress.finish_and_clear();
    if !arguments.with_allocator {
        report.trim();
    }
    Ok(report)
}
