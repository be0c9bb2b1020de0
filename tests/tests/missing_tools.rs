//! What the scripts that build say on a machine without what they build with.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use xalloc_tests::checkout;

/// The scripts that build, each called so that it would.
const BUILDS: &[&[&str]] = &[
    &["bench-global"],
    &["check-macos"],
    &["debug", "true"],
    &["fuzz"],
    &["install", "/nonexistent"],
    &["package"],
    &["run", "true"],
    &["static-library"],
    &["test"],
    &["test-aarch64"],
    &["test-heaps"],
    &["compare-stacks"],
    &["test-services"],
    &["weaken-models"],
];

/// The others: what they have instead is in the brackets.
const DO_NOT: &[&str] = &[
    // Installs Rust from Debian.
    "cross-build",
    // Says in itself what it is without.
    "memory-of-services",
    // Says that it is skipped without a nightly toolchain.
    "miri",
    // A line for each peer; see below.
    "peers",
    // Says first that this is no Mac.
    "test-macos",
    // Installs what scripts/package has made.
    "test-package",
];

/// Programs that every script may use, and no cargo, no compiler, no apt-get.
fn tools(directory: &Path) {
    for name in [
        "bash", "env", "dirname", "basename", "realpath", "sed", "grep", "uname", "head", "tr", "cat", "mktemp", "rm",
        "id", "sort", "mkdir", "touch", "tail", "ln", "mv", "gdb", "git", "xargs", "cp", "true", "python3",
    ] {
        let path = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
            .map(|directory| directory.join(name))
            .find(|path| path.is_file());
        if let Some(path) = path {
            symlink(path, directory.join(name)).expect("a link");
        }
    }
}

fn script(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
}

/// A script in an environment where only these tools are.
fn run(tools: &Path, call: &[&str]) -> Output {
    let mut command = Command::new(checkout().join("scripts").join(call[0]));
    command
        .args(&call[1..])
        .env_clear()
        .env("PATH", tools)
        .env("HOME", tools)
        .env("CARGO_TARGET_DIR", tools.join("target"));
    command.output().expect("the script starts")
}

/// Every script that builds ends with one line that begins so and has the way out, with exit code 1.
fn all_say(tools: &Path, beginning: &str, way_out: &str) {
    for call in BUILDS {
        let output = run(tools, call);
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains("could not install") && !line.contains("apt-get: command not found"))
            .collect();
        let [line] = lines[..] else { panic!("{call:?}: {said}") };
        assert!(
            line.starts_with(&format!("scripts/{}: {beginning}", call[0])) && line.contains(way_out),
            "{call:?}: {said}"
        );
        assert_eq!(output.status.code(), Some(1), "{call:?}");
    }
}

#[test]
fn every_script_that_builds_is_here() {
    let is_script = |entry: &std::fs::DirEntry| entry.path().is_file();
    let there: BTreeSet<String> = std::fs::read_dir(checkout().join("scripts"))
        .expect("readable")
        .map(|entry| entry.expect("an entry"))
        .filter(is_script)
        .map(|entry| entry.file_name().into_string().expect("a name in UTF-8"))
        .collect();
    let here = BUILDS.iter().map(|call| call[0]).chain(DO_NOT.iter().copied()).map(str::to_owned).collect();
    assert_eq!(there, here);
}

#[test]
fn without_rust() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    tools(directory.path());
    all_say(directory.path(), "cargo is not on the PATH: install Rust 1.", "https://rustup.rs");
}

#[test]
fn with_debians_rust() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    tools(directory.path());
    script(
        directory.path(),
        "cargo",
        "if [ \"$1\" = --version ]; then echo cargo 1.65.0; exit; fi\necho 'error: a wall of text' >&2; exit 101",
    );
    script(directory.path(), "rustc", "echo rustc 1.63.0");
    all_say(directory.path(), "cargo 1.65.0 is too old: install Rust 1.", "apt-get install cargo-web");
    let output = run(directory.path(), &["peers", "mimalloc3"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("scripts/peers: mimalloc3: cargo 1.65.0 is too old") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn without_a_compiler() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    tools(directory.path());
    for name in ["cargo", "rustc"] {
        script(
            directory.path(),
            name,
            "if [ \"$1\" = --version ]; then echo tool 1.99.0-nightly; exit; fi\necho 'a wall of text' >&2; exit 101",
        );
    }
    all_say(directory.path(), "there is no C compiler (cc)", "apt-get install gcc");
    script(directory.path(), "cc", "echo crt1.o");
    all_say(directory.path(), "the C compiler (cc) has no C library", "apt-get install libc6-dev");
}

/// Somebody who links otherwise has no need of cc.
#[test]
fn another_linker_is_not_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    tools(directory.path());
    script(
        directory.path(),
        "cargo",
        "if [ \"$1\" = --version ]; then echo tool 1.99.0; exit; fi\necho built >&2; exit 101",
    );
    script(directory.path(), "rustc", "echo rustc 1.99.0");
    std::fs::create_dir(directory.path().join(".cargo")).expect("a directory");
    std::fs::write(
        directory.path().join(".cargo/config.toml"),
        "[target.x86_64-unknown-linux-gnu]\nlinker = \"clang\"\n",
    )
    .expect("written");
    let output = run(directory.path(), &["run", "true"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "built\n");
}
