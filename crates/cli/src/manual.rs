//! `xalloc man` and `xalloc completions`: what a package of this command installs beside it.

use anyhow::{Context, Result};
use clap::Command;
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the manual pages, one for each command.
#[derive(clap::Args)]
pub struct PageArguments {
    /// The directory to write them to; it is made if need be. As in: xalloc man /usr/local/share/man/man1
    directory: PathBuf,
}

/// Print a shell's completions.
///
/// For bash, for example: source <(xalloc completions bash)
#[derive(clap::Args)]
pub struct CompletionArguments {
    /// The shell
    shell: Shell,
}

/// Writes the pages of `command`.
pub fn write_pages(command: Command, arguments: &PageArguments) -> Result<ExitCode> {
    let directory = &arguments.directory;
    let problem = || format!("cannot write manual pages to {}", directory.display());
    std::fs::create_dir_all(directory).with_context(problem)?;
    clap_mangen::generate_to(command, directory).with_context(problem)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the completions of `command`.
pub fn print_completions(mut command: Command, arguments: &CompletionArguments) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "xalloc", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
