//! `xalloc run`, `xalloc env` and `xalloc list`, with the allocators that this machine has.

mod allocators;
mod installed;
mod programs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The command, in an environment that preloads nothing and sets no option.
fn xalloc(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.args(arguments).env("XALLOC_LIBRARY", xalloc_tests::library());
    for variable in ["LD_PRELOAD", "LD_LIBRARY_PATH", "XALLOC_CONF", "MALLOC_CONF"] {
        command.env_remove(variable);
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command
}

/// A C program like any other, compiled with `flags`.
fn program(flags: &[&str]) -> PathBuf {
    xalloc_tests::fixture(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/program.c"), flags)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

#[test]
fn transcripts() {
    let path = std::env::var("PATH").unwrap_or_default();
    let programs = directory("programs");
    let named = [("static-server", &["-static"][..]), ("asan-server", &["-fsanitize=address"])];
    for (name, flags) in named {
        xalloc_tests::copy(program(flags), &programs.join(name));
    }
    trycmd::TestCases::new()
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("XALLOC_LIBRARY", xalloc_tests::library().display().to_string())
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("HOME", "/nonexistent")
        .case("tests/transcripts/run/*.md");
}
