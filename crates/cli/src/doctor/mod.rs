//! `xalloc doctor`: says whether a malloc can be preloaded into a program, and with `--run` what the library did in it.

mod advice;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "a run is observed on Linux only"))]
mod bindings;
#[cfg(target_os = "linux")]
mod image;
#[cfg(target_os = "linux")]
mod launch;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "a run is observed on Linux only"))]
mod observation;
#[cfg(target_os = "linux")]
mod observer;
mod report;
#[cfg(target_os = "linux")]
mod sampling;

use crate::binary::{self, Binary, Examination, Machine};
use crate::{catalogue, exit, library, preload};
use anyhow::{Context, Result, anyhow};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Tell whether a malloc can be preloaded into a program, and what it would change.
///
/// Without --run nothing is started: the program's file is read. An obstacle means that a preload cannot work or does harm, a
/// warning that it may not do what is wanted; a note is worth knowing. Each comes with a way out. Programs that the program
/// starts are not examined.
///
/// With --run the program runs once with the library preloaded; with an obstacle only if --force is given too. Its input and
/// output are its own; the report follows on standard error. It says whose malloc every reference gets, how many threads there
/// were, how much of the time was spent in the library, memory and page faults, and what to try. --bindings also follows
/// modules that are opened later, and children.
///
/// Exit codes: 0 if nothing stands in the way, 1 if there is an obstacle or a run showed one, 2 if the library cannot be
/// used, 3 if it is not found, 126 if the program cannot be executed, 127 if there is none.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run the program with the library preloaded, and report on the run
    #[arg(long)]
    run: bool,
    /// With --run, let the loader log what it binds while the program runs: in modules that it opens, in children.
    ///
    /// The log is a file that the loader keeps open in the program. Not for programs that close files which they did not
    /// open, as some daemons do: the loader would go on to write, into whatever file has the same number then.
    #[arg(long, requires = "run")]
    bindings: bool,
    /// With --run, run the program even if there is an obstacle: it may start others, which get the library
    #[arg(long, requires = "run")]
    force: bool,
    /// Report as JSON
    #[arg(long)]
    json: bool,
    /// The library to preload [default: the libxalloc.so that belongs to this command; XALLOC_LIBRARY names another]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Write the report to a file, or with - to the standard output [default: that; with --run standard error]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The program, a path or a name that is looked up in PATH, and for --run its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARGUMENT"])]
    command: Vec<OsString>,
}

impl Arguments {
    fn program(&self) -> &OsStr {
        &self.command[0]
    }
}

/// Examines the program, and runs it if that is wanted and possible.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let library = match choose_library(arguments) {
        Ok(library) => library,
        Err(code) => return Ok(ExitCode::from(code)),
    };
    let examined = match &library {
        Some(library) => binary::examine_on(arguments.program(), &Machine::of(library)),
        None => binary::examine(arguments.program()),
    };
    let examination = match examined {
        Ok(examination) => examination,
        Err(error) => {
            eprintln!("xalloc doctor: {error}");
            return Ok(ExitCode::from(error.exit_code()));
        }
    };
    let obstacle = examination.obstacles().next().is_some();
    let not_run = arguments.run && obstacle && !arguments.force;
    let observation = match &library {
        Some(library) if arguments.run && !not_run => Some(observe(arguments, &examination, library)?),
        _ => None,
    };
    let refuted = observation.as_ref().is_some_and(|observation| observation.served() == Some(false));
    let report = report::Report { examination: &examination, not_run, run: observation.as_ref() };
    let text = if arguments.json { serde_json::to_string_pretty(&report)? + "\n" } else { report.to_string() };
    write(arguments, &text)?;
    Ok(ExitCode::from(if obstacle || refuted { exit::FOUND } else { 0 }))
}

/// Returns the library; `None` if there is none and the program is only read. The error is the exit code.
fn choose_library(arguments: &Arguments) -> Result<Option<Binary>, u8> {
    let path = match &arguments.library {
        Some(path) => std::path::absolute(path).map_err(anyhow::Error::from),
        None => library::own(),
    };
    let complain = |error: anyhow::Error, code| {
        eprintln!("xalloc doctor: {error:#}");
        code
    };
    match path {
        Ok(path) if path.is_file() => {
            readable_library(&path).map(Some).map_err(|error| complain(error, exit::WRONG_USAGE))
        }
        Ok(path) => Err(complain(anyhow!("there is no {}", path.display()), exit::NO_ALLOCATOR)),
        Err(error) if arguments.run => Err(complain(error, exit::NO_ALLOCATOR)),
        Err(_) => Ok(None),
    }
}

/// Reads the library. The program may be for another machine, and then the library must be too.
fn readable_library(path: &Path) -> Result<Binary> {
    let library = catalogue::check_for_any_machine(path).map_err(|reason| anyhow!("{} {reason}", path.display()))?;
    preload::check_path(path)?;
    Ok(library)
}

#[cfg(target_os = "linux")]
fn observe(arguments: &Arguments, examination: &Examination, library: &Binary) -> Result<observation::Observation> {
    let command = launch::Launch {
        program: arguments.program(),
        arguments: &arguments.command[1..],
        library: &library.path,
        log_bindings: arguments.bindings,
    };
    observer::run(&command, &examination.binary, library)
}

#[cfg(not(target_os = "linux"))]
fn observe(_: &Arguments, _: &Examination, _: &Binary) -> Result<observation::Observation> {
    anyhow::bail!("--run looks at programs through /proc, which only Linux has")
}

fn write(arguments: &Arguments, text: &str) -> Result<()> {
    match arguments.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None if arguments.run && arguments.output.is_none() => {
            std::io::stderr().write_all(text.as_bytes()).context("cannot write the report")
        }
        None => {
            print!("{text}");
            Ok(())
        }
    }
}
