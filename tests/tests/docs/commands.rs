//! A page's commands, run as its reader would run them.

use crate::page::{Page, Step};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;
use xalloc_tests::{built, checkout, copy, fixture, library, plain, preloadable, promises, skip, succeed};

/// For one block. All but the comparisons take a moment.
const LIMIT: Duration = Duration::from_secs(180);

/// What goes wrong when the page's blocks are run, each with the block's line.
pub fn failures(page: &Page) -> Vec<String> {
    let desk = desk();
    let mut problems: Vec<String> = page.problems.clone();
    for (line, step) in &page.steps {
        let place = format!("{}:{line}", page.name);
        let outcome = match step {
            Step::File { name, text } => write(&desk, name, text),
            Step::From { file, text } => stands_in(file, text),
            Step::Run { needs: Some(command), .. } if succeed(&mut bash(&desk, command), LIMIT).is_err() => {
                skip(&format!("{place}: it needs: {command}"));
                continue;
            }
            Step::Run { commands, .. } => succeed(&mut bash(&desk, commands), LIMIT).map(drop),
        };
        if let Err(error) = outcome {
            problems.push(format!("{place}: {error}"));
        }
    }
    problems
}

fn write(desk: &TempDir, name: &str, text: &str) -> Result<(), String> {
    let path = desk.path().join(name);
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, filled(text))).map_err(|error| format!("{name}: {error}"))
}

/// Whether a text is a part of a file of the checkout, however it is indented there.
fn stands_in(file: &str, text: &str) -> Result<(), String> {
    let flat = |text: &str| text.lines().map(|line| line.trim().to_owned() + "\n").collect::<String>();
    let whole = fs::read_to_string(checkout().join(file)).map_err(|error| format!("{file}: {error}"))?;
    let (whole, part) = (flat(&whole), flat(text));
    if !part.is_empty() && format!("\n{whole}").contains(&format!("\n{part}")) {
        return Ok(());
    }
    let unknown = part.lines().find(|line| !whole.lines().any(|other| other == *line));
    Err(format!("not a part of {file}: {}", unknown.unwrap_or("the lines are in another order")))
}

/// The text with the reader's own paths in it.
fn filled(text: &str) -> String {
    text.replace("/path/to/libxalloc.so", &library().display().to_string())
        .replace("/path/to/xalloc", &checkout().display().to_string())
}

/// A shell for commands of a page: in its directory, with the command on the PATH and a home of its own, and no network and no
/// warnings for cargo.
fn bash(desk: &TempDir, commands: &str) -> Command {
    let mut command = plain("bash");
    let path = std::env::var("PATH").expect("a PATH");
    command
        .args(["-euc", &filled(commands)])
        .current_dir(desk.path())
        .env("PATH", format!("{}/bin:{}/target/release:{path}", desk.path().display(), desk.path().display()))
        .env("HOME", desk.path().join("home"))
        .env("XDG_CONFIG_HOME", desk.path().join("home/.config"))
        .env("CARGO_HOME", of_home("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", of_home("RUSTUP_HOME", ".rustup"))
        .env("CARGO_NET_OFFLINE", "true")
        // What a reader is told to open is without warnings: links that lead nowhere, for one.
        .env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Where cargo and rustup have what they need, which the page's own home does not say.
fn of_home(variable: &str, name: &str) -> OsString {
    let usual = || Path::new(&std::env::var_os("HOME").expect("a home")).join(name).into_os_string();
    std::env::var_os(variable).unwrap_or_else(usual)
}

/// A directory that looks like the checkout, as far as pages speak of it, and in which nothing that a page makes stays: with a
/// program, a server, a script and a library of the reader's.
fn desk() -> TempDir {
    let desk = preloadable();
    let path = |name: &str| desk.path().join(name);
    for folder in ["bin", "home", "scripts"] {
        fs::create_dir(path(folder)).expect("created");
    }
    // The release directory that cargo really builds in.
    let release = built("xalloc-cli", "xalloc");
    // What `xalloc check` runs.
    promises::program();
    symlink(release.ancestors().nth(2).expect("target/release/xalloc"), path("target")).expect("linked");
    for script in fs::read_dir(checkout().join("scripts")).expect("scripts").flatten() {
        executable(&path("scripts").join(script.file_name()), &format!("exec '{}' \"$@\"", script.path().display()));
    }
    // In a crate that the page has made, or in the checkout.
    let cargo = format!("if [ -e Cargo.toml ]; then unset CARGO_TARGET_DIR; else cd '{}'; fi", checkout().display());
    executable(&path("bin/cargo"), &format!("{cargo}\nexec '{}' \"$@\"", env!("CARGO")));
    let program = fixture(&checkout().join("crates/cli/tests/fixtures/program.c").display().to_string(), &[]);
    copy(&program, &path("program"));
    copy(&program, &path("server"));
    copy(library(), &path("libmine.so"));
    fs::write(path("script.py"), "print('hello')\n").expect("written");
    desk
}

/// A script of `sh`. Not written by this process: see [`copy`].
fn executable(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(&draft, Permissions::from_mode(0o755)).expect("its permissions");
    copy(&draft, path);
    fs::remove_file(draft).expect("removed");
}
