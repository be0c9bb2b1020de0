//! Compiling the programs, and asking the doctor about them.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The doctor, for the library that these tests build.
pub fn doctor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.arg("doctor").args(arguments).env("XALLOC_LIBRARY", xalloc_tests::library());
    command.env_remove("LD_PRELOAD").env_remove("XALLOC_CONF");
    command
}

/// One of the C programs beside these tests.
pub fn with(source: &str, flags: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(source);
    xalloc_tests::fixture(source.to_str().expect("a path"), flags)
}

/// One to which nothing was done, a file of its own for each call.
pub fn plain() -> PathBuf {
    with("program.c", &[])
}

/// The same for another C library or machine, by the compiler of that name.
pub fn compiled(compiler: &str, source: &str, flags: &[&str]) -> PathBuf {
    static SERIAL: AtomicUsize = AtomicUsize::new(0);
    // Relaxed: the number only has to be unique, it orders nothing.
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{source}-{serial}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(source);
    let status = Command::new(compiler)
        .args(["-O1", "-fno-builtin", "-pthread", "-o"])
        .arg(&output)
        .arg(&source)
        .args(flags)
        .status()
        .unwrap_or_else(|error| panic!("{compiler} does not start: {error}"));
    assert!(status.success(), "{compiler} failed on {} with {flags:?}", source.display());
    output
}

/// What the doctor found, as `obstacle CODE` and `note CODE`; its exit code must agree with that.
pub fn found(doctor: &mut Command) -> Vec<String> {
    let output = doctor.output().expect("the doctor starts");
    let findings = json(&output.stdout, &output)["findings"].as_array().expect("a list").clone();
    let word = |finding: &Value, name: &str| finding[name].as_str().expect("a word").to_owned();
    let found: Vec<String> =
        findings.iter().map(|it| format!("{} {}", word(it, "severity"), word(it, "code"))).collect();
    let obstacle = found.iter().any(|finding| finding.starts_with("obstacle"));
    assert_eq!(output.status.code(), Some(i32::from(obstacle)), "exit code for {found:?}");
    found
}

/// Demands that exactly these findings are made about the program.
pub fn finds(program: &Path, expected: &[&str]) {
    let found = found(doctor(&["--json"]).arg(program));
    assert_eq!(found, expected, "{}", program.display());
}

/// The report, with the whole output in the message if it is none.
pub fn json(text: &[u8], output: &Output) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}
