//! A program that waits for steps, and the command beside it.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::OnceLock;
use xalloc_tests::{fixture, library, plain, preloaded};

/// The program with known counts.
pub fn counts() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| fixture(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counts.c"), &[]))
}

/// `xalloc stats` with these arguments.
pub fn stats<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = plain(env!("CARGO_BIN_EXE_xalloc"));
    command.arg("stats").args(arguments).env("XALLOC_LIBRARY", library());
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("HOME", "/nonexistent");
    command
}

/// The exit code of `xalloc stats` with these arguments, and what it wrote to both outputs.
pub fn said<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> (Option<i32>, String) {
    let output = stats(arguments).output().expect("the command starts");
    (output.status.code(), text(&output))
}

/// What a command wrote to both outputs.
pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What `xalloc stats PID --json` and these arguments print.
pub fn report(process: u32, arguments: &[&str]) -> Value {
    let process = process.to_string();
    let output = stats([&process, "--json"].into_iter().chain(arguments.iter().copied())).output().expect("it starts");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output)))
}

/// The allocations, frees, frees by others and live bytes of the class up to `size`.
pub fn of_class(report: &Value, size: u64) -> [i64; 4] {
    let classes = report["classes"].as_array().expect("classes");
    classes.iter().find(|class| class["size"] == size).map_or([0; 4], figures)
}

/// The same of whatever has such figures.
pub fn figures(row: &Value) -> [i64; 4] {
    ["allocations", "frees", "remote_frees", "live_bytes"].map(|name| row[name].as_i64().expect("a number"))
}

/// A program that is ready for a step.
pub struct Stepped {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The process that is ready.
    pub process: u32,
}

impl Stepped {
    /// Starts the program with known counts on the library that is tested.
    pub fn counts(conf: &str) -> Self {
        Self::start(&mut preloaded(counts(), conf))
    }

    /// Starts a program, and waits until it is ready.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("a pipe"));
        let mut program = Self { process: child.id(), child, stdin, stdout: BufReader::new(stdout) };
        program.wait();
        program
    }

    /// Has it take a step, and waits until it is ready again.
    pub fn step(&mut self, letter: &str) {
        self.tell(letter);
        self.wait();
    }

    /// Has it take a step.
    pub fn tell(&mut self, letter: &str) {
        self.stdin.as_mut().expect("open").write_all(letter.as_bytes()).expect("it reads");
    }

    fn wait(&mut self) {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it writes");
        let number = line.strip_prefix("ready ").unwrap_or_else(|| panic!("it is not ready: {line}"));
        self.process = number.trim().parse().expect("a number");
    }

    /// Lets it end, and does not wait for it.
    pub fn let_go(&mut self) -> &mut Child {
        self.stdin = None;
        &mut self.child
    }
}

impl Drop for Stepped {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
