//! A program that writes its own profile, and the command that reads it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A directory with the program, a library that it loads, and the files that it has written: the profile, and names of code
/// that was made at run time.
pub struct Place(TempDir);

impl Place {
    /// Compiles the program with `flags`, lets `change` do something to its file, and runs it.
    pub fn new(flags: &[&str], change: impl FnOnce(&Self)) -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        place.compile("c++", "profiled.cpp", "program", flags);
        place.compile("cc", "plugin.c", "libplugin.so", &["-shared", "-fPIC", "-Wl,--build-id"]);
        change(&place);
        let mut program = Command::new(place.file("program"));
        program.args([place.file("profile.heap"), place.file("names.map"), place.file("libplugin.so")]);
        let status = program.env_remove("LD_PRELOAD").status().expect("the program starts");
        assert!(status.success(), "{status}");
        place
    }

    /// A file of the directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a fixture, with lines and inlined functions.
    pub fn compile(&self, compiler: &str, source: &str, output: &str, flags: &[&str]) {
        let source = fixture(source);
        let mut command = Command::new(compiler);
        command.args(["-g", "-O1", "-fno-omit-frame-pointer", "-o"]).arg(self.file(output)).arg(source).args(flags);
        run(&mut command);
    }

    /// Runs a program in the directory.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        run(Command::new(program).args(arguments).current_dir(self.0.path()));
    }

    /// The command on the profile.
    pub fn profile(&self, arguments: &[&str]) -> Output {
        let mut command = profile(arguments);
        command.arg(self.file("profile.heap")).current_dir(self.0.path()).output().expect("the command starts")
    }

    /// What the command says of the profile in JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.profile(&[arguments, &["--json", "-"]].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// `xalloc profile`, without the debug information that this machine may have of libc, which takes a second to read.
pub fn profile(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.arg("profile").env_remove("LD_PRELOAD");
    if !arguments.contains(&"--debug-directory") {
        command.args(["--debug-directory", "none"]);
    }
    command.args(arguments);
    command
}

/// One of the sources beside the tests.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Returns `profiled.cpp:N` for the line with a comment.
pub fn line(comment: &str) -> String {
    let source = std::fs::read_to_string(fixture("profiled.cpp")).expect("there");
    let at = source.lines().position(|line| line.ends_with(&format!("// {comment}"))).expect("a line");
    format!("profiled.cpp:{}", at + 1)
}

/// Returns the functions of the stack with so many live bytes, each with its line, the innermost first; `*` marks one that is
/// inlined.
pub fn stack(report: &Value, live_bytes: i64) -> Vec<String> {
    let stacks = report["stacks"].as_array().expect("a list");
    let stack = stacks.iter().find(|stack| stack["live_bytes"] == live_bytes).unwrap_or_else(|| panic!("{report:#}"));
    stack["frames"].as_array().expect("a list").iter().map(frame).collect()
}

fn frame(frame: &Value) -> String {
    let mark = if frame["is_inlined"] == true { "*" } else { "" };
    let function = frame["function"].as_str().unwrap_or("?");
    let file = frame["file"].as_str().map(|file| file.rsplit('/').next().unwrap_or_default());
    let place = file.map_or(String::new(), |file| format!(" {file}:{}", frame["line"]));
    format!("{mark}{function}{place}")
}

/// What the command said on its standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", said(&output));
}
