//! Programs that the command starts.

use crate::program::{counts, of_class, stats, text};
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use xalloc_tests::{behind, fixture, has};

/// Runs the command with `steps` on the program's standard input. Returns what it did, and the statistics, which are in a file.
fn ran(options: &[&str], program: &[&str], steps: &str) -> (Output, Value) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path in UTF-8");
    let mut command = stats([options, &["--json", "-o", path, "--"], program].concat());
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(steps.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = std::fs::read_to_string(path).expect("a file");
    (output, serde_json::from_str(&text).unwrap_or(Value::Null))
}

fn program() -> &'static str {
    counts().to_str().expect("a path in UTF-8")
}

#[test]
fn the_program_is_observed_from_its_first_allocation_on() {
    let (output, report) = ran(&[], &[program()], "ta");
    // The exit code and the output are the program's.
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("ready "), "{}", text(&output));
    assert_eq!(output.stderr, b"");
    assert_eq!((&report["since"], &report["program"]), (&"first_allocation".into(), &Value::from(name())));
    assert_eq!(of_class(&report, 5 << 10), [100, 30, 0, 70 * 5120]);
    assert_eq!(of_class(&report, 40 << 10), [10, 0, 0, 10 * 40960]);
}

fn name() -> &'static str {
    program().rsplit('/').next().expect("a name")
}

#[test]
fn a_program_that_is_killed_has_its_counts() {
    let (output, report) = ran(&[], &[program()], "ak");
    assert_eq!(output.status.code(), Some(128 + 9), "{}", text(&output));
    assert_eq!(of_class(&report, 40 << 10), [10, 0, 0, 10 * 40960]);
    assert_eq!(report["threads"]["observed"].as_array().map(Vec::len), Some(2));
}

/// A signal that ends the command ends the program, and the counts are there.
#[test]
fn signals_reach_the_program() {
    let mut command = behind(&["env", "--default-signal"], &stats(["--", program()]));
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut ready = [0];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut ready).expect("it is ready");
    let kill = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
    assert!(kill.success());
    // Until it has ended, its standard input stays open.
    let stdin = child.stdin.take();
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    assert_eq!(output.status.code(), Some(128 + 15), "{}", text(&output));
    assert!(text(&output).contains("counted from its first allocation on"), "{}", text(&output));
}

#[test]
fn a_program_that_another_one_executes_is_the_one_that_counts() {
    let (output, report) = ran(&[], &["env", "A=1", program()], "a");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert_eq!(report["program"], name());
    // Nothing of what the first program did.
    let (_, alone) = ran(&[], &[program()], "a");
    assert_eq!(report["total"], alone["total"]);
}

/// The statistics are of the process that was started: what it starts has a segment of its own.
#[test]
fn children_count_for_themselves() {
    let script = format!("{}; exit 3", program());
    let (output, report) = ran(&[], &["sh", "-c", &script], "a");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert_eq!((&report["program"], of_class(&report, 40 << 10)), (&Value::from("sh"), [0; 4]));
}

#[test]
fn other_allocators_are_observed_through_the_proxy() {
    let (output, report) = ran(&["-a", "system"], &[program()], "a");
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    assert_eq!(of_class(&report, 5 << 10)[..2], [100, 30]);
    assert_eq!(of_class(&report, 40 << 10)[..2], [10, 0]);
}

/// What Python frees is what it has allocated, in every size.
#[test]
fn python_frees_nothing_that_it_has_not_allocated() {
    if !has("python3") {
        return;
    }
    let script = "import threading\nblocks = [bytearray(10000) for _ in range(40)]\n\
                  thread = threading.Thread(target=blocks.clear)\nthread.start()\nthread.join()\n";
    let (output, report) = ran(&[], &["python3", "-c", script], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let [allocations, _, by_others, _] = of_class(&report, 10 << 10);
    assert!(allocations >= 40 && by_others >= 40, "{report}");
    for class in report["classes"].as_array().expect("classes") {
        assert!(class["live_blocks"].as_i64() >= Some(0) && class["live_bytes"].as_i64() >= Some(0), "{class}");
    }
}

/// It was never in the program, which runs all the same.
#[test]
fn a_program_without_the_library_is_named() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/counts.c");
    let program = fixture(source, &["-static"]);
    let path = program.to_str().expect("a path in UTF-8");
    let (output, report) = ran(&["--force"], &[path], "a");
    assert_eq!((output.status.code(), report), (Some(5), Value::Null), "{}", text(&output));
    let reason =
        format!("xalloc stats: {path} was not observed: libxalloc did not come into it; xalloc doctor says why");
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), reason);
}
