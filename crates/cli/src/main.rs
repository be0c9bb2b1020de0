//! `xalloc`: the command beside the library.
//!
//! It never links the allocator: it meets it through the dynamic linker and `XALLOC_CONF`, as every user does.

#![allow(clippy::disallowed_methods, reason = "that list is for what can be reached from malloc")]

mod bench;
mod binary;
mod catalogue;
mod compare;
mod doctor;
mod exit;
mod layers;
mod library;
mod list;
mod measure;
mod preload;
mod report;
mod run;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Run, compare and inspect programs under any allocator.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Env(run::EnvArguments),
    List(list::Arguments),
    Bench(bench::Arguments),
    Doctor(doctor::Arguments),
    Layers(layers::Arguments),
    Compare(compare::Arguments),
}

fn main() -> ExitCode {
    // Rust ignores the signal, and printing into a pipe that `head` has closed would then be a panic.
    // SAFETY: nothing else runs yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Env(arguments) => run::print_environment(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Layers(arguments) => layers::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xalloc: {error:#}");
            ExitCode::FAILURE
        }
    }
}
