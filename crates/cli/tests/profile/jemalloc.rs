//! Profiles that jemalloc has written, of a program whose call sites are known.

use super::common::{profile, said};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_tests::{fixture, skip};

/// A program on Debian's jemalloc, and its profile at the end, in a directory.
pub struct Recorded {
    /// The directory.
    pub directory: tempfile::TempDir,
    /// The program.
    pub program: PathBuf,
    /// The profile.
    pub profile: PathBuf,
}

/// Runs the program with jemalloc's profiler, or says why the test is skipped.
pub fn recorded() -> Option<Recorded> {
    let library = Command::new("cc").arg("-print-file-name=libjemalloc.so.2").output().expect("cc starts").stdout;
    let library = String::from_utf8(library).expect("a path");
    if !library.starts_with('/') {
        skip("libjemalloc.so.2 is missing (libjemalloc2)");
        return None;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/allocates.c");
    let program = fixture(source.to_str().expect("a path"), &["-fno-optimize-sibling-calls"]);
    let output = Command::new(&program)
        .env("LD_PRELOAD", library.trim())
        .env("MALLOC_CONF", "prof:true,prof_accum:true,prof_final:true,lg_prof_sample:12,prof_prefix:p")
        .current_dir(directory.path())
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let mut files = std::fs::read_dir(directory.path()).expect("a directory").flatten();
    let Some(profile) = files.find(|entry| entry.file_name().to_string_lossy().ends_with(".heap")) else {
        skip(&format!("this jemalloc writes no profile (--enable-prof): {}", said(&output)));
        return None;
    };
    Some(Recorded { profile: profile.path(), directory, program })
}

impl Recorded {
    /// What the command says of the profile in JSON.
    pub fn json(&self) -> Value {
        let output = profile(&["--json", "-"]).arg(&self.profile).output().expect("the command starts");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
}

/// Returns the sum of a number over the stacks that a function is in.
pub fn sum(report: &Value, function: &str, number: &str) -> i64 {
    let stacks = report["stacks"].as_array().expect("a list").iter();
    let is_in = |stack: &&Value| {
        stack["frames"].as_array().is_some_and(|all| all.iter().any(|one| one["function"] == function))
    };
    stacks.filter(is_in).map(|stack| stack[number].as_i64().expect("a number")).sum()
}

fn is_about(value: i64, expected: i64) -> bool {
    (expected * 4 / 5..=expected * 6 / 5).contains(&value)
}

/// The estimates are those of the program's own numbers, though only a part of its blocks are samples.
#[test]
fn call_sites_have_the_programs_own_numbers() {
    let Some(recorded) = recorded() else { return };
    let report = recorded.json();
    for (function, number, expected) in [
        ("large_blocks", "live_bytes", 400 * 20_000),
        ("large_blocks", "live_objects", 400),
        ("small_blocks", "live_bytes", 40_000 * 100),
        ("small_blocks", "allocated_objects", 40_000),
        ("freed_blocks", "allocated_bytes", 8_000 * 1_000),
    ] {
        let value = sum(&report, function, number);
        // The sizes are classes of jemalloc's: a little larger.
        assert!(is_about(value, expected + expected / 10), "{function} {number}: {value} instead of {expected}");
    }
    assert_eq!(sum(&report, "freed_blocks", "live_bytes"), 0);
    let table = profile(&["--top", "1"]).arg(&recorded.profile).output().expect("the command starts");
    let table = String::from_utf8(table.stdout).expect("text");
    let first = table.lines().nth(3).unwrap_or_default();
    assert!(first.contains(" allocate ") && first.ends_with("/fixtures/allocates.c:10"), "{table}");
}

/// The difference of two profiles is what the second one has more.
#[test]
fn a_base_is_subtracted() {
    let Some(recorded) = recorded() else { return };
    let output =
        profile(&["--base"]).args([&recorded.profile, &recorded.profile]).output().expect("the command starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with("live: 0 B in 0 objects; allocated: 0 B in 0; 0 stacks"), "{text}");
    let twice = profile(&["--json", "-"]).args([&recorded.profile, &recorded.profile]).output().expect("it starts");
    let twice: Value = serde_json::from_slice(&twice.stdout).expect("JSON");
    let once = recorded.json();
    assert_eq!(twice["total"]["live_bytes"].as_i64(), once["total"]["live_bytes"].as_i64().map(|bytes| bytes * 2));
    assert_eq!(twice["stacks"].as_array().map(Vec::len), once["stacks"].as_array().map(Vec::len));
}
