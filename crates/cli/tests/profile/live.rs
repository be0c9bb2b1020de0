//! The profile of a program that is started, and of a process that runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use xalloc_tests::{fixture, library, preloaded};

/// A program with one function that keeps what it allocates.
fn program() -> std::path::PathBuf {
    fixture("keeps.c", &["-O1", "-fomit-frame-pointer"])
}

fn profile() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.env("XALLOC_LIBRARY", library()).args(["profile", "--top", "1"]);
    command
}

#[test]
fn a_program_that_is_started_is_profiled_from_its_first_allocation_on() {
    let output = profile().arg("--").arg(program()).arg("once").output().expect("a command that starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // 64 MiB are kept, of which a sample is taken every 512 KiB: half or twice as much is beyond chance.
    let live = text.strip_prefix("live: ").and_then(|rest| rest.split(' ').next()).expect("a number");
    assert!((32.0..128.0).contains(&live.parse::<f64>().expect("MiB")), "{text}");
    assert!(text.contains(" keeps ") && text.contains("keeps.c:"), "{text}");
    let failing = profile().arg("--").arg(program()).arg("fails").output().expect("a command that starts");
    assert_eq!(failing.status.code(), Some(7));
}

#[test]
fn a_process_that_runs_is_profiled_for_a_while_and_not_after() {
    let mut child =
        preloaded(program(), "").arg("for_ever").stdout(Stdio::piped()).spawn().expect("a program that starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let number = child.id().to_string();
    let output =
        profile().args(["--seconds", "0.5", "--sample", "65536", &number]).output().expect("a command that starts");
    let (text, says) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{says}");
    assert!(says.contains("was not profiled; it is for 0.5 s"), "{says}");
    assert!(text.contains(" keeps "), "{text}");
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    let gone = profile().arg(&number).output().expect("a command that starts");
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains(&format!("there is no process {number}")), "{gone:?}");
}
