//! `xalloc run` and `xalloc env`: run a program, or set up a shell, under any allocator.

mod environment;
pub mod plan;

use crate::binary::{self, Binary, Machine, Unexaminable};
use crate::catalogue::{self, NotFound, Setting};
use crate::exit;
use anyhow::Result;
use plan::{Behind, Plan};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use xalloc_layers::Method;

/// Run a program under an allocator.
///
/// The allocator's library is put in front of what LD_PRELOAD names already (on macOS DYLD_INSERT_LIBRARIES), and the program
/// takes the place of this command: signals, input, output and its exit code are its own.
///
/// If it is certain that a preload cannot work, the program is not started: the command says why, and names a way out. If a
/// preload may not do what is wanted, the command prints a warning and starts the program. xalloc doctor says more.
///
/// Exit codes: the program's own; 2 if this command was called wrongly, 3 if the allocator is not on this machine, 4 if the
/// program cannot run under it, 126 if the program cannot be executed, 127 if there is none.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    with: With,
    /// Run the program even if something stands in the way
    #[arg(long)]
    force: bool,
    /// Say on standard error what is set before the program starts
    #[arg(short, long)]
    verbose: bool,
    /// The program, a path or a name that is looked up in PATH, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARGUMENT"])]
    command: Vec<OsString>,
}

/// Print the shell lines that put an allocator in front of every program that is started.
///
/// In the current shell: eval "$(xalloc env jemalloc)". To undo it: eval "$(xalloc env system)", which removes the libraries of
/// all known allocators from LD_PRELOAD, and unsets the variables that hold their options, whoever set them.
///
/// Exit codes: 2 if this command was called wrongly, 3 if the allocator is not on this machine.
#[derive(clap::Args)]
pub struct EnvArguments {
    /// The allocator: a name of xalloc list, or the path of a library
    #[arg(default_value = catalogue::OWN)]
    allocator: String,
    #[command(flatten)]
    how: How,
}

/// The options that choose an allocator.
#[derive(clap::Args)]
struct With {
    /// The allocator: a name of xalloc list, or the path of a library
    #[arg(short, long, default_value = catalogue::OWN, value_name = "NAME")]
    allocator: String,
    #[command(flatten)]
    how: How,
}

#[derive(clap::Args)]
struct How {
    /// Set an option of the allocator, as its layer names it (xalloc layers show NAME); may be repeated
    #[arg(short, long = "set", value_name = "KEY=VALUE", value_parser = Setting::parse)]
    settings: Vec<Setting>,
    /// How the allocator gets into the program: ld_preload, or proxy for libxalloc in front of it, which passes every call
    /// through and sees them all; auto is ld_preload
    #[arg(long, default_value = "auto", value_parser = |word: &str| Method::parse(word))]
    method: Method,
}

/// Replaces this command by the program.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let With { allocator, how } = &arguments.with;
    let plan = match plan("run", allocator, how.method, &how.settings, Behind::Everything) {
        Ok(plan) => plan,
        Err(code) => return Ok(code),
    };
    if !arguments.force
        && let Some(code) = refusal("run", &arguments.command[0], &plan)
    {
        return Ok(code);
    }
    if arguments.verbose {
        eprintln!("xalloc run: {}", plan.description());
    }
    let error = plan.command(&arguments.command).exec();
    Ok(ExitCode::from(not_started("run", &arguments.command[0], &error)))
}

/// Says that the program could not be started. Returns the exit code of `command`.
pub fn not_started(command: &str, program: &OsStr, error: &std::io::Error) -> u8 {
    eprintln!("xalloc {command}: cannot start {}: {error}", program.display());
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    if missing { exit::NO_PROGRAM } else { exit::NOT_EXECUTABLE }
}

/// Prints the assignments for a shell.
pub fn print_environment(arguments: &EnvArguments) -> Result<ExitCode> {
    // Running it again for another allocator must not add to the first one.
    let How { settings, method } = &arguments.how;
    let plan = match plan("env", &arguments.allocator, *method, settings, Behind::NoAllocators) {
        Ok(plan) => plan,
        Err(code) => return Ok(code),
    };
    environment::print(&plan.environment)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what is to be done; or, if nothing can be, the exit code of `command`, which has said why.
pub fn plan(command: &str, name: &str, method: Method, settings: &[Setting], behind: Behind) -> Result<Plan, ExitCode> {
    let plan = catalogue::choose(name).and_then(|choice| Plan::new(&choice, method, settings, behind));
    plan.map_err(|error| {
        eprintln!("xalloc {command}: {error:#}");
        ExitCode::from(if error.is::<NotFound>() { exit::NO_ALLOCATOR } else { exit::WRONG_USAGE })
    })
}

/// Prints why the program cannot run under the plan's library, if that is certain, and returns the exit code of `command`;
/// otherwise prints what is doubtful.
pub fn refusal(command: &str, program: &OsStr, plan: &Plan) -> Option<ExitCode> {
    let library = plan.library.as_deref()?;
    let machine = Binary::read(library).map_or_else(|_| Machine::here(), |library| Machine::of(&library));
    let examination = match binary::examine_on(program, &machine) {
        Ok(examination) => examination,
        Err(error) if error.may_run() => {
            eprintln!("xalloc {command}: warning: {error}; it is started without being examined");
            return None;
        }
        Err(error) => {
            eprintln!("xalloc {command}: {error}");
            if matches!(error, Unexaminable::NoProgram(_)) {
                eprintln!("  --force starts it without a look.");
            }
            return Some(ExitCode::from(error.exit_code()));
        }
    };
    for warning in examination.warnings() {
        eprintln!("xalloc {command}: warning: {}: {} {}", warning.code, warning.reason, warning.way_out);
    }
    let mut obstacles = examination.obstacles().peekable();
    obstacles.peek()?;
    eprintln!("xalloc {command}: {} cannot run under {}", program.display(), plan.name);
    for obstacle in obstacles {
        eprintln!("  {}: {}\n  {}", obstacle.code, obstacle.reason, obstacle.way_out);
    }
    eprintln!("  --force starts it all the same.");
    Some(ExitCode::from(exit::CANNOT_RUN))
}
