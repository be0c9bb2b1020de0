//! The scripts, as those who work on the library call them.

use std::process::Command;
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
