//! The scripts, as those who work on the library call them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use xalloc_tests::checkout;

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

/// The scripts, by their files.
fn all() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(checkout().join("scripts")).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

fn call(script: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(script);
    command.args(arguments).stdin(Stdio::null()).env_remove("CARGO_TARGET_DIR").env_remove("XALLOC_LIB");
    command.output().expect("it starts")
}

/// Demands the exit code and one line, which begins with the script's name; returns the line.
fn refused(script: &Path, arguments: &[&str], code: i32) -> String {
    let output = call(script, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let name = script.file_name().and_then(|name| name.to_str()).expect("a name");
    assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{name} {arguments:?}: {output:?}");
    assert!(
        said.starts_with(&format!("scripts/{name}: ")) && said.lines().count() == 1,
        "{name} {arguments:?}: {said}"
    );
    said
}

#[test]
fn help_is_what_was_asked_for() {
    for script in all() {
        for option in ["--help", "-h"] {
            let output = call(&script, &[option]);
            assert!(output.status.success() && output.stderr.is_empty(), "{}: {output:?}", script.display());
            assert!(String::from_utf8_lossy(&output.stdout).contains("usage: "), "{}: {output:?}", script.display());
        }
    }
}

/// Also through a link to the script, from another directory.
#[test]
fn wrong_usage_is_exit_code_2_and_one_line() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // What scripts/test does not know is for cargo.
    for script in all().iter().filter(|script| !script.ends_with("test")) {
        let link = directory.path().join(script.file_name().expect("a name"));
        std::os::unix::fs::symlink(script, &link).expect("a link");
        for script in [script, &link] {
            assert!(refused(script, &["--no-such-option"], 2).contains("--no-such-option"));
        }
    }
    for (name, arguments) in [
        ("bench-global", &["many"][..]),
        ("bench-global", &["1", "2"]),
        ("check-macos", &["x86_64"]),
        ("cross-build", &[]),
        ("cross-build", &["x86_64-unknown-freebsd"]),
        ("debug", &[]),
        ("debug", &["--", "--help"]),
        ("install", &["relative"]),
        ("install", &["/a", "/b"]),
        ("memory-of-services", &["nosuch"]),
        ("memory-of-services", &["--allocators", "nosuch"]),
        ("package", &["--output"]),
        ("package", &["i386"]),
        ("peers", &["nosuch"]),
        ("run", &[]),
        ("static-library", &["--prefix"]),
        ("static-library", &["--prefix", "1"]),
        ("test-aarch64", &["4k"]),
        ("test-services", &["0"]),
        ("weaken-models", &["all"]),
    ] {
        refused(&checkout().join("scripts").join(name), arguments, 2);
    }
}

#[test]
fn a_program_that_there_is_not() {
    for name in ["run", "debug"] {
        let said = refused(&checkout().join("scripts").join(name), &["no-such-program"], 127);
        assert!(said.contains("there is no program 'no-such-program'"), "{said}");
    }
}

/// The loader would leave the library out, and the program would run without it.
#[test]
fn a_checkout_whose_path_cannot_be_preloaded() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for name in ["a blank", "a:colon", "a$dollar"] {
        let copy = directory.path().join(name);
        std::fs::create_dir(&copy).expect("a directory");
        let status = Command::new("cp")
            .arg("-r")
            .args(["scripts", "Cargo.toml"].map(|it| checkout().join(it)))
            .arg(&copy)
            .status();
        assert!(status.expect("cp starts").success());
        let link = directory.path().join("link");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&copy, &link).expect("a link");
        for (script, arguments) in
            [("run", &["true"][..]), ("debug", &["true"]), ("test", &[]), ("test-services", &["1"]), ("peers", &[])]
        {
            for checkout in [&copy, &link] {
                let said = refused(&checkout.join("scripts").join(script), arguments, 2);
                let path = copy.join("target").display().to_string();
                assert!(said.contains(&format!("LD_PRELOAD cannot name {path}")), "{said}");
                assert!(said.contains("takes no path with a blank, a colon"), "{said}");
            }
        }
    }
}

/// The checkout is where the script is, not where the link to it is.
#[test]
fn a_program_is_run_through_a_link_to_the_script() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    xalloc_tests::library();
    let link = directory.path().join("xrun");
    std::os::unix::fs::symlink(checkout().join("scripts/run"), &link).expect("a link");
    let output = call(&link, &["sh", "-c", "echo $LD_PRELOAD; exit 3"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("/release/libxalloc.so"), "{output:?}");
}
