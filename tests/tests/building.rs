//! Libraries are linked as their authors link them: in the profile of everyday work, in a crate outside this workspace.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{checkout, plain, succeed};

/// `cargo build` in a directory, into another.
fn build(directory: &Path, target: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--offline", "--quiet"]).args(arguments).current_dir(directory);
    let output = command.env("CARGO_TARGET_DIR", target).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Preloads the library into a program that allocates, and shows no name that belongs to Rust.
fn serves(library: &Path) {
    let mut command = plain("sh");
    command.args(["-c", "ls / && true"]).env("LD_PRELOAD", library);
    let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new("nm").args([OsStr::new("-D"), library.as_ref()]).output().expect("nm starts");
    let names = String::from_utf8_lossy(&output.stdout);
    assert!(names.contains(" T malloc\n") && !names.contains("rust"), "{names}");
}

#[test]
fn the_library_in_the_profile_for_development() {
    let target = tempfile::tempdir().expect("a temporary directory");
    build(checkout(), target.path(), &["--package", "xalloc"]);
    serves(&target.path().join("debug/libxalloc.so"));
}

/// As README.md says, without link-time optimisation.
#[test]
fn a_heap_of_your_own_outside_the_workspace() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let example = checkout().join("examples/my-heap");
    let crates = checkout().join("crates");
    let manifest = format!(
        "[package]\nname = \"another\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\nxalloc-os = {{ path = {:?} }}\nxalloc-redirect = {{ path = {:?} }}\n\n\
         [profile.dev]\npanic = \"abort\"\n\n[profile.release]\npanic = \"abort\"\n",
        crates.join("os"),
        crates.join("redirect"),
    );
    std::fs::create_dir(directory.path().join("src")).expect("created");
    for file in ["build.rs", "src/lib.rs"] {
        std::fs::copy(example.join(file), directory.path().join(file)).expect("copied");
    }
    // The versions that are at hand without a network.
    std::fs::copy(checkout().join("Cargo.lock"), directory.path().join("Cargo.lock")).expect("copied");
    std::fs::write(directory.path().join("Cargo.toml"), manifest).expect("written");
    let target = directory.path().join("target");
    for (arguments, profile) in [(&[][..], "debug"), (&["--release"], "release")] {
        build(directory.path(), &target, arguments);
        serves(&target.join(profile).join("libanother.so"));
    }
}
