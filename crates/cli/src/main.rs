//! `xalloc`: the command that belongs to the library.
//!
//! It is not linked with the allocator: it uses it through the dynamic linker and `XALLOC_CONF`, as every user does.

#![allow(clippy::disallowed_methods, reason = "that list is for what can be reached from malloc")]

#[macro_use]
mod output;

#[cfg(target_os = "linux")]
mod bench;
mod binary;
mod catalogue;
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod compare;
mod completions;
mod descriptors;
mod doctor;
mod exit;
mod layers;
mod library;
mod list;
mod manual;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod observed;
mod preload;
#[cfg(target_os = "linux")]
mod profile;
#[cfg(target_os = "linux")]
mod refusal;
#[cfg(target_os = "linux")]
mod report;
mod run;
#[cfg(target_os = "linux")]
mod seconds;
mod signals;
#[cfg(target_os = "linux")]
mod stats;

use anyhow::{Context, Result};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

/// Run, compare and inspect programs under any allocator.
#[derive(Parser)]
#[command(name = "xalloc", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Env(run::EnvArguments),
    List(list::Arguments),
    Doctor(doctor::Arguments),
    #[cfg(target_os = "linux")]
    Compare(Box<compare::Arguments>),
    #[cfg(target_os = "linux")]
    Check(check::Arguments),
    #[cfg(target_os = "linux")]
    Stats(Box<stats::Arguments>),
    #[cfg(target_os = "linux")]
    Profile(Box<profile::Arguments>),
    Layers(layers::Arguments),
    #[cfg(target_os = "linux")]
    Bench(bench::Arguments),
    Man(manual::Arguments),
    Completions(completions::Arguments),
}

fn main() -> ExitCode {
    // Rust ignores the signal, and printing to a pipe that `head` has closed would then be a panic.
    // SAFETY: nothing else runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    completions::answer(command_line);
    let parsed = command_line().try_get_matches().and_then(|matches| {
        let name = matches.subcommand_name().map(|name| format!("xalloc {name}"));
        Ok((name.unwrap_or_default(), Arguments::from_arg_matches(&matches)?))
    });
    match parsed {
        Ok((name, arguments)) => finish(&name, run(arguments.command)),
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => {
            output::print_by(|| help.print());
            finish("xalloc", Ok(ExitCode::SUCCESS))
        }
    }
}

/// Returns the command line, without the command that only a checkout has, unless this is one.
fn command_line() -> clap::Command {
    let command = Arguments::command();
    #[cfg(target_os = "linux")]
    let command = command.mut_subcommand("bench", |bench| bench.hide(!bench::is_here()));
    command
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Env(arguments) => run::print_environment(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Compare(arguments) => compare::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Check(arguments) => check::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Stats(arguments) => stats::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Layers(arguments) => layers::run(&arguments),
        #[cfg(target_os = "linux")]
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Man(arguments) => manual::write_pages(command_line(), &arguments),
        Command::Completions(arguments) => completions::print(&arguments),
    }
}

/// Checks that all output was written, or prints why not. `name` is the command's, because lines that begin with `xalloc: ` are
/// the library's.
fn finish(name: &str, result: Result<ExitCode>) -> ExitCode {
    match result.and_then(|code| output::finish().context("cannot write the output").map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
