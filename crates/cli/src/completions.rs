//! `xalloc completions`, and the answers to shells that ask this command because the user pressed Tab.
//!
//! Which allocators, workloads and programs exist differs from machine to machine, so a shell asks each time.

use crate::catalogue;
#[cfg(target_os = "linux")]
use crate::{bench, check, compare};
use anyhow::{Context, Result};
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::{CompleteEnv, Shells};
use rustix::fs::{Access, access};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// The argument of run, doctor and compare that holds a program and its arguments.
const PROGRAM: &str = "command";

/// The variable by which a shell asks.
const VARIABLE: &str = "XALLOC_COMPLETE";

/// Print a shell's completions.
///
/// For bash, for example: source <(xalloc completions bash)
#[derive(clap::Args)]
pub struct Arguments {
    /// The shell
    shell: clap_complete::Shell,
}

/// Prints the script by which a shell asks this command, under the name or path by which it was called now.
pub fn print(arguments: &Arguments) -> Result<ExitCode> {
    let called = std::env::args_os().next().context("this command was called without a name")?;
    let is_path = Path::new(&called).components().count() > 1;
    let command = if is_path { std::path::absolute(&called)?.into_os_string() } else { called };
    let shell = arguments.shell.to_string();
    let completer = Shells::builtins();
    let completer = completer.completer(&shell).with_context(|| format!("there are no completions for {shell}"))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "xalloc", "xalloc", &command.to_string_lossy(), &mut script)?;
    print!("{}", String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

/// Answers a shell that asks, and ends the process. Does nothing if none asks.
pub fn answer(command: impl Fn() -> Command) {
    CompleteEnv::with_factory(|| with_completers(command())).var(VARIABLE).complete();
}

fn with_completers(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|each| each.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |each| apart(each).mut_args(|argument| with_completer(name, argument)))
    })
}

/// Returns the command with PROGRAM and ARGUMENT as separate arguments, because clap_complete cannot tell the values of one
/// argument apart. Not behind `--`, where clap allows only one.
fn apart(command: Command) -> Command {
    if !command.get_arguments().any(|argument| argument.get_id() == PROGRAM && !argument.is_last_set()) {
        return command;
    }
    let rest = Arg::new("arguments").num_args(0..).trailing_var_arg(true).value_hint(ValueHint::AnyPath);
    command
        .mut_arg(PROGRAM, |program| {
            program.action(ArgAction::Set).num_args(1).value_name("PROGRAM").trailing_var_arg(false)
        })
        .arg(rest)
}

/// Returns the argument of the command `name`, with what may be typed there.
fn with_completer(name: &str, argument: Arg) -> Arg {
    match (name, argument.get_id().as_str()) {
        ("run" | "env", "allocator") | ("check", "library" | "against") => {
            argument.add(ArgValueCompleter::new(allocator_or_library))
        }
        ("list", "names") => argument.add(ArgValueCandidates::new(known_allocators)),
        #[cfg(target_os = "linux")]
        ("check", "promises") => argument.add(ArgValueCandidates::new(|| candidates(check::known_promises()))),
        #[cfg(target_os = "linux")]
        ("compare", "allocators") => argument.add(ArgValueCandidates::new(|| candidates(compare::known_names()))),
        #[cfg(target_os = "linux")]
        ("bench", "allocators") => argument.add(ArgValueCandidates::new(|| candidates(bench::known_allocators()))),
        #[cfg(target_os = "linux")]
        ("bench", "workloads") => argument.add(ArgValueCandidates::new(|| candidates(bench::known_workloads()))),
        (_, PROGRAM) => argument.add(ArgValueCompleter::new(program)),
        _ => argument,
    }
}

fn candidates(names: Vec<String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// Returns every allocator of the catalogue; none if a layer cannot be read, because a shell cannot show an error.
fn known_allocators() -> Vec<CompletionCandidate> {
    candidates(
        catalogue::layers().allocators().unwrap_or_default().0.into_iter().map(|allocator| allocator.name).collect(),
    )
}

/// Returns the allocators that this machine has; or files, where the word is a path.
fn allocator_or_library(word: &OsStr) -> Vec<CompletionCandidate> {
    if is_path(word) {
        return PathCompleter::file().complete(word);
    }
    let names = catalogue::here().unwrap_or_default();
    candidates(names.into_iter().filter(|name| begins_with(OsStr::new(name), word)).collect())
}

/// Returns the programs of the PATH; or executable files, where the word is a path.
fn program(word: &OsStr) -> Vec<CompletionCandidate> {
    if is_path(word) {
        return PathCompleter::any().filter(is_program).complete(word);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let entries = std::env::split_paths(&path).filter_map(|directory| directory.read_dir().ok()).flatten().flatten();
    let names = entries.filter(|entry| begins_with(&entry.file_name(), word) && is_program(&entry.path()));
    let names: BTreeSet<OsString> = names.map(|entry| entry.file_name()).collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

fn is_path(word: &OsStr) -> bool {
    word.as_encoded_bytes().contains(&b'/')
}

fn begins_with(name: &OsStr, word: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(word.as_encoded_bytes())
}
