//! `xalloc layers`: what a build with a given compiler, platform and allocator needs.

mod columns;
mod compose;
mod lines;
mod list;
mod show;
mod show_allocator;

use crate::exit;
use anyhow::{Context, Result};
use clap::Subcommand;
use std::process::ExitCode;
use xalloc_layers::{Catalogue, Directories};

/// Compose compilers, platforms, sanitizers and allocators into flags and environments.
///
/// A layer is a YAML file, TYPE/NAME.yaml, with TYPE base, platform, buildtype, stdlib, sanitizer or allocator. Layers are
/// looked for in .xalloc/layers of the working directory or the nearest one above it (if it is yours or root's), then in
/// xalloc/layers of $XDG_CONFIG_HOME (default: ~/.config), then among xalloc's own.
///
/// The exit code is 0, or 2 if a layer is missing or wrong, or cannot be combined with another.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Compose(compose::Arguments),
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let directory = std::env::current_dir().context("cannot tell the working directory")?;
    let directories = Directories::of(&directory);
    if let Some(ignored) = &directories.ignored {
        eprintln!("xalloc layers: {} is ignored: it belongs to another user", ignored.display());
    }
    let catalogue = Catalogue::with(directories);
    let done = match &arguments.command {
        Command::List(arguments) => list::run(&catalogue, arguments),
        Command::Show(arguments) => show::run(&catalogue, arguments),
        Command::Compose(arguments) => compose::run(catalogue, arguments),
    };
    done.or_else(|error| {
        eprintln!("xalloc layers: {error:#}");
        Ok(ExitCode::from(exit::WRONG_USAGE))
    })
}
