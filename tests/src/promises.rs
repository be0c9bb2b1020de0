//! The program of `xalloc check`, which knows what is promised of malloc: here each promise is a test, of glibc and of xalloc.

use crate::{built, checkout, plain, preloaded, run, skip, tail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// A hang shows as a time-out. Far above what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(600);

/// The program, made on first use. `XALLOC_TEST_PROMISES` names another file, seen from the checkout: one for another machine.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("XALLOC_TEST_PROMISES") {
        Some(path) => checkout().join(path),
        None => built("xalloc-check", "xalloc-check"),
    })
}

/// The names of all promises of a group.
pub fn of_group(group: &str) -> Vec<String> {
    let names: Vec<String> = all().into_iter().filter(|(of, _)| of == group).map(|(_, name)| name).collect();
    assert!(!names.is_empty(), "there is no group {group}");
    names
}

/// All promises: of each its group and its name.
pub fn all() -> Vec<(String, String)> {
    let output = run(plain(program()).arg("list"), LIMIT).unwrap_or_else(|error| panic!("{error}"));
    assert!(output.status.success(), "{}", tail(&output));
    let promise = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        fields.next().zip(fields.next())
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(promise).collect()
}

/// What is to be run to check a promise on glibc.
pub fn on_glibc(promise: &str) -> Command {
    with_name(plain(program()), promise)
}

/// What is to be run to check a promise on the library, with `conf` as its `XALLOC_CONF`.
pub fn on_xalloc(promise: &str, conf: &str) -> Command {
    with_name(preloaded(program(), conf), promise)
}

fn with_name(mut command: Command, promise: &str) -> Command {
    command.args(["run", promise]);
    command
}

/// Checks a promise, `command` of [`on_glibc`] or [`on_xalloc`]. One that cannot be checked here is skipped, with a line that says
/// why.
///
/// # Errors
/// It is broken: what the program found, or how it ended.
pub fn check(command: &mut Command) -> Result<(), String> {
    let output = run(command, LIMIT)?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) if said.ends_with("holds\n") => Ok(()),
        Some(3) => {
            skip(said.trim_end());
            Ok(())
        }
        _ => Err(format!("{}\n{}", output.status, tail(&output))),
    }
}
