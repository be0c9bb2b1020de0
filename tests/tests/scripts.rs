//! The scripts, as those who work on the library call them.

use std::path::Path;
use std::process::{Command, Output};
use xalloc_tests::{checkout, has, skip, target};

/// `scripts/test` says which part of how many it has come to. (Quick, so that it installs nothing.)
#[test]
fn the_tests_are_numbered() {
    let mut command = Command::new(checkout().join("scripts/test"));
    let output =
        command.args(["--quick", "-p", "xalloc-options", "--lib", "--", "every_default"]).output().expect("it starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains(" Running part 1 of 1: unittests "), "{stderr}");
    assert!(stdout.contains("test result: ok. 1 passed"), "{stdout}");
}

/// What cargo refuses, the script refuses.
#[test]
fn a_wrong_argument_ends_it_with_an_error() {
    let mut command = Command::new(checkout().join("scripts/test"));
    let output = command.args(["--quick", "-p", "no-such-package"]).output().expect("it starts");
    assert!(!output.status.success());
}

/// The scripts that know which arguments are right. The others pass their arguments on to a program.
const STRICT: [&str; 18] = [
    "bench-global",
    "check-macos",
    "compare-stacks",
    "cross-build",
    "fuzz",
    "install",
    "memory-of-services",
    "miri",
    "package",
    "peers",
    "static-library",
    "test",
    "test-aarch64",
    "test-heaps",
    "test-macos",
    "test-package",
    "test-services",
    "weaken-models",
];

/// All that the script said, which must be one line with its name.
fn one_line(script: &str, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.stdout.is_empty() && said.lines().count() == 1, "{script}: {output:?}");
    assert!(said.starts_with(&format!("scripts/{script}: ")), "{said}");
    said
}

#[test]
fn wrong_usage_is_told_apart_from_failure() {
    for script in STRICT {
        let output =
            Command::new(checkout().join("scripts").join(script)).arg("--no-such-option").output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{script}: {output:?}");
        one_line(script, &output);
    }
    for script in ["run", "debug", "cross-build"] {
        let output = Command::new(checkout().join("scripts").join(script)).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{script}: {output:?}");
        one_line(script, &output);
    }
    for script in ["run", "debug"] {
        let mut command = Command::new(checkout().join("scripts").join(script));
        let output = command.arg("no-such-program").output().expect("it starts");
        assert_eq!(output.status.code(), Some(127), "{script}: {output:?}");
        assert!(one_line(script, &output).contains("there is no program 'no-such-program'"), "{output:?}");
    }
}

/// A target that is in no manifest would never be run.
#[test]
fn every_fuzz_target_is_built() {
    let output = Command::new(checkout().join("scripts/fuzz")).arg("--list").output().expect("it starts");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let manifest = std::fs::read_to_string(checkout().join("fuzz/Cargo.toml")).expect("the manifest");
    let bins = manifest.split("[[bin]]").skip(1);
    let mut built: Vec<&str> = bins.filter_map(|bin| bin.split('"').nth(1)).collect();
    built.sort_unstable();
    assert!(built.len() > 10 && listed.lines().eq(built), "{listed}");
    for wrong in [&["no_such_target"][..], &["--seconds"], &["--seconds", "soon"]] {
        let output = Command::new(checkout().join("scripts/fuzz")).args(wrong).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        one_line("fuzz", &output);
    }
}

#[test]
fn help_begins_with_the_scripts_name() {
    for script in STRICT.iter().chain(&["run", "debug"]) {
        let output = Command::new(checkout().join("scripts").join(script)).arg("--help").output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let mut words = said.split_whitespace();
        let begins = [words.next(), words.next()] == [Some("usage:"), Some(&format!("scripts/{script}"))];
        assert!(output.status.success() && begins, "{output:?}");
    }
}

#[test]
fn a_heap_or_a_test_that_is_not_there_is_answered_with_those_that_are() {
    for (arguments, begin) in [
        (
            ["--heap", "fats"],
            "invalid value 'fats' for '--heap <NAME>': there is no heap 'fats': there are fast, pow2, system, ",
        ),
        (
            ["--test", "forks"],
            "invalid value 'forks' for '--test <FILE>': no test file of a heap is called 'forks': there are ",
        ),
    ] {
        let output = Command::new(checkout().join("scripts/test-heaps")).args(arguments).output().expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = one_line("test-heaps", &output);
        assert!(said.starts_with(&format!("scripts/test-heaps: {begin}")), "{said}");
    }
}

/// A row for the test file, a column for each heap, and why a cell is empty.
#[test]
fn the_heaps_have_a_matrix() {
    let mut command = Command::new(checkout().join("scripts/test-heaps"));
    let arguments = ["--test", "misuse", "--test", "symbols", "--heap", "fast", "--heap", "my-heap"];
    let output = command.args(arguments).output().expect("it starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    let rows: Vec<Vec<&str>> = stdout.lines().take(3).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows, [vec!["fast", "my-heap"], vec!["misuse", "18", "[misuse]"], vec!["symbols", "6", "6"]]);
    assert!(stdout.contains("\nNot promised:\n  [misuse] It does not look at "), "{stdout}");
}

/// The loader would split such a path, and run the program without the library.
#[test]
fn what_cannot_be_preloaded_is_refused_before_it_is_built() {
    let directory = tempfile::tempdir().expect("a directory");
    for (script, argument) in [
        ("run", "true"),
        ("debug", "true"),
        ("test", "true"),
        ("test-services", "1"),
        ("test-heaps", "--all"),
        ("peers", "tcmalloc"),
    ] {
        for name in ["with blank", "with:colon", "with$dollar"] {
            let target = directory.path().join(name);
            let mut command = Command::new(checkout().join("scripts").join(script));
            let output = command.arg(argument).env("CARGO_TARGET_DIR", &target).output().expect("it starts");
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{script}: {output:?}");
            assert!(said.contains("LD_PRELOAD cannot name") && said.contains("CARGO_TARGET_DIR"), "{script}: {said}");
            assert!(!target.exists(), "{script} has built it");
        }
    }
}

/// cargo would say in five lines that it cannot join paths.
#[test]
fn what_cannot_be_built_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    for script in ["static-library", "install", "bench-global"] {
        let mut command = Command::new(checkout().join("scripts").join(script));
        let output = command.env("CARGO_TARGET_DIR", directory.path().join("with:colon")).output().expect("it starts");
        assert_eq!(output.status.code(), Some(1), "{script}: {output:?}");
        assert!(one_line(script, &output).contains("cargo cannot build in "), "{output:?}");
    }
}

#[test]
fn a_link_to_a_script_is_the_script() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("run");
    std::os::unix::fs::symlink(checkout().join("scripts/run"), &link).expect("a link");
    let mut command = Command::new(link);
    command.arg("true").env("XALLOC_CONF", "verbose:true").current_dir(directory.path());
    let output = command.output().expect("it starts");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("heap fast"), "{output:?}");
}

/// Where Miri is not to be had, that is said, and is no failure.
#[test]
fn without_miri_nothing_is_run() {
    let directory = tempfile::tempdir().expect("a directory");
    let cargo = directory.path().join("cargo");
    std::fs::write(&cargo, "#!/bin/sh\nexit 1\n").expect("written");
    std::fs::set_permissions(&cargo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let path = format!("{}:{}", directory.path().display(), std::env::var("PATH").expect("a path"));
    let output = Command::new(checkout().join("scripts/miri")).env("PATH", path).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(said, "scripts/miri: skipped: there is no nightly toolchain with Miri (see --help)\n");
}

/// As README and docs/deploying.md have it, without further arguments.
#[test]
fn the_library_for_musl_is_built_and_serves_a_program() {
    if !has("musl-gcc") {
        return;
    }
    // The script would install them, which is not for a test.
    if !Path::new("/usr/lib/rustlib/src/rust/library/core/Cargo.toml").exists() {
        return skip("rust-web-src is not installed");
    }
    let mut build = Command::new(checkout().join("scripts/cross-build"));
    let output = build.arg("x86_64-unknown-linux-musl").output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("program");
    let source = checkout().join("crates/cli/tests/fixtures/program.c");
    let mut compile = Command::new("musl-gcc");
    let status = compile.args(["-w", "-pthread", "-o"]).args([&program, &source]).status().expect("it starts");
    assert!(status.success());
    let library = target().join("x86_64-unknown-linux-musl/release/libxalloc.so");
    let mut command = Command::new(&program);
    let output = command.env("LD_PRELOAD", library).env("XALLOC_CONF", "verbose:true").output().expect("it starts");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("heap fast"), "{output:?}");
}
