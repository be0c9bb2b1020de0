//! The variable that makes the loader load libraries before all others: `LD_PRELOAD`, on macOS `DYLD_INSERT_LIBRARIES`.

use anyhow::{Result, ensure};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use xalloc_layers::{System, is_preloadable};

/// Returns the system on which this command runs.
pub fn system() -> System {
    if cfg!(target_os = "macos") { System::Macos } else { System::Linux }
}

/// Returns the variable's name on this system.
pub fn variable() -> &'static str {
    system().preload_variable().expect("Linux and macOS have one")
}

/// Returns a value with `libraries` before those that the environment preloads already.
pub fn value(libraries: &[&Path]) -> OsString {
    before(libraries, std::env::var_os(variable()).unwrap_or_default())
}

/// Returns a value with `libraries` before `others`, which has the form of the variable's value.
pub fn before(libraries: &[&Path], others: OsString) -> OsString {
    let others = Some(others.as_os_str()).filter(|others| !others.is_empty());
    let all: Vec<&OsStr> = libraries.iter().map(|path| path.as_os_str()).chain(others).collect();
    all.join(OsStr::new(":"))
}

/// Makes `command` load the library before those that the environment preloads already.
pub fn put_first(command: &mut Command, library: &Path) {
    command.env(variable(), value(&[library]));
}

/// Refuses a path that the variable cannot hold, because the loader would split it or replace a part of it.
pub fn check_path(library: &Path) -> Result<()> {
    ensure!(
        is_preloadable(library),
        "{} cannot name {}: it takes no path with a blank, a colon, a dollar sign or a line break; copy the library elsewhere",
        variable(),
        library.display()
    );
    Ok(())
}
