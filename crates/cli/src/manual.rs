//! `xalloc man`: writes the manual pages that are installed with this command.

use anyhow::{Context, Result};
use askama::Template;
use clap::{Arg, Command};
use clap_mangen::Man;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xalloc_options::{Kind, OPTIONS, Setting, words};

/// Write the manual pages: one for each command, libxalloc(7), and xalloc.conf(5).
///
/// They go where man finds them: xalloc man /tmp/pages && man -M /tmp/pages xalloc-run
#[derive(clap::Args)]
pub struct Arguments {
    /// The directory to write man1, man5 and man7 to, as /usr/local/share/man; they are made if need be
    directory: PathBuf,
}

/// The values for templates/libxalloc.7.
#[derive(Template)]
#[template(path = "libxalloc.7", escape = "none")]
struct Library {
    version: &'static str,
}

/// The values for templates/xalloc.conf.5.
#[derive(Template)]
#[template(path = "xalloc.conf.5", escape = "none")]
struct Configuration {
    version: &'static str,
    options: Vec<Paragraph>,
}

/// An option, with its texts in the form of roff(7).
struct Paragraph {
    name: String,
    values: String,
    default: String,
    help: String,
}

impl Paragraph {
    fn of(setting: &Setting) -> Self {
        let values = match &setting.kind {
            Kind::Count => "a number".to_owned(),
            Kind::Size => "a size".to_owned(),
            Kind::Destination => "true, false, a path".to_owned(),
            kind @ (Kind::Switch | Kind::Choice(_)) => words(kind).join(", "),
        };
        Self {
            name: roff(setting.name),
            values: roff(&values),
            default: roff(setting.default),
            help: roff(setting.help),
        }
    }
}

/// Returns plain text as a line of roff. Backquotes in it stand around what is typed.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let pieces = escaped.split('`').enumerate();
    let set: String =
        pieces.map(|(at, piece)| if at % 2 == 1 { format!("\\fB{piece}\\fR") } else { piece.into() }).collect();
    // At the beginning of a line these would be requests.
    if set.starts_with(['.', '\'']) { format!("\\&{set}") } else { set }
}

/// Writes the pages of `command`, of the library and of its configuration.
pub fn write_pages(command: Command, arguments: &Arguments) -> Result<ExitCode> {
    let directory = &arguments.directory;
    let version = env!("CARGO_PKG_VERSION");
    let options = OPTIONS.iter().map(Paragraph::of).collect();
    let mut command = without_bench(command).disable_help_subcommand(true);
    command.build();
    write_commands(command, &section(directory, 1)?)?;
    write(&section(directory, 5)?.join("xalloc.conf.5"), &Configuration { version, options })?;
    write(&section(directory, 7)?.join("libxalloc.7"), &Library { version })?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of `command`, and those of its subcommands.
fn write_commands(command: Command, directory: &Path) -> Result<()> {
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        write_commands(one.clone(), directory)?;
    }
    // The arguments as --help has them. The generator's own list has options without their values, and no other arguments.
    let usage = command.clone().render_usage().to_string();
    let command = command.override_usage(usage.trim_start_matches("Usage:").trim_start().to_owned());
    let page = Man::new(command.clone()).source(concat!("xalloc ", env!("CARGO_PKG_VERSION")));
    let mut text = Vec::new();
    page.render(&mut text)?;
    // The text below the options is examples, which stand as they are to be typed.
    let text = String::from_utf8(text)?.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n");
    let text = command.get_positionals().fold(text, as_in_the_usage);
    let path = directory.join(page.get_filename());
    std::fs::write(&path, text).with_context(|| problem(&path))
}

/// Returns a page with the heading of `argument` as in the usage, such as `<PROGRAM> [ARGUMENT]...`. The generator writes all
/// names of an argument as one, and does not say that it may be repeated.
fn as_in_the_usage(page: String, argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let (open, close) = if argument.is_required_set() { ('<', '>') } else { ('[', ']') };
    let italic = |text: String, name: &str| text.replace(name, &format!("\\fI{name}\\fR"));
    let heading = names.iter().fold(argument.to_string(), |heading, name| italic(heading, name));
    page.replace(&format!(".TP\n{open}\\fI{}\\fR{close}\n", names.join(" ")), &format!(".TP\n{heading}\n"))
}

/// Returns the command without `xalloc bench`, whose workloads are not installed.
fn without_bench(command: Command) -> Command {
    if cfg!(target_os = "linux") { command.mut_subcommand("bench", |bench| bench.hide(true)) } else { command }
}

fn section(directory: &Path, number: u8) -> Result<PathBuf> {
    let path = directory.join(format!("man{number}"));
    std::fs::create_dir_all(&path).with_context(|| problem(&path))?;
    Ok(path)
}

fn write(path: &Path, page: &impl Template) -> Result<()> {
    std::fs::write(path, page.render()? + "\n").with_context(|| problem(path))
}

fn problem(path: &Path) -> String {
    format!("cannot write manual pages to {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_roff_would_take_for_its_own_is_text() {
        assert_eq!(roff("with `thp:never`, a-b \\ c"), "with \\fBthp:never\\fR, a\\-b \\e c");
        assert_eq!(roff(".TH"), "\\&.TH");
        assert_eq!(roff("'s"), "\\&'s");
    }
}
