//! The heap of docs/write-a-heap.md, built the way a third party would: programs run on it, it keeps every promise that can be checked,
//! and it notices mistakes of a program.

use std::time::Duration;
use xalloc_tests::third_party::{GIT, PYTHON_THREADS, on_library};
use xalloc_tests::{built, fixture, has, plain, promises, run, succeed};

const LIMIT: Duration = Duration::from_secs(300);

fn library() -> std::path::PathBuf {
    built("cached-heap", "libcached_heap.so")
}

#[test]
fn runs_python() {
    if has("python3") {
        assert_eq!(on_library(&library(), "python3 -c 'print(len([str(i) for i in range(500000)]))'"), "500000");
        assert_eq!(on_library(&library(), PYTHON_THREADS), "ended");
    }
}

#[test]
fn runs_git() {
    if has("git") {
        assert_eq!(on_library(&library(), GIT), "first");
    }
}

#[test]
fn runs_threads_that_hand_blocks_to_each_other() {
    let program = fixture("producers.cpp", &["-std=c++17"]);
    let on_glibc = succeed(&mut plain(&program), LIMIT).unwrap_or_else(|error| panic!("{error}"));
    let expected = String::from_utf8_lossy(&on_glibc.stdout).trim().to_owned();
    assert_eq!(on_library(&library(), &program.display().to_string()), expected);
}

/// `xalloc check` on it, as the page has it: nothing is broken.
#[test]
fn keeps_every_promise() {
    promises::program();
    let mut command = plain(built("xalloc-cli", "xalloc"));
    let output = succeed(command.arg("check").arg(library()), LIMIT).unwrap_or_else(|error| panic!("{error}"));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.trim_end().ends_with(" 0 broken, 1 not here"), "{said}");
    assert!(said.contains("reallocarray_is_bound"), "{said}");
}

#[test]
fn notices_mistakes() {
    let program = fixture("misuse_kinds.c", &[]);
    for (kind, size, says) in [
        ("twice", 100, "freed before: "),
        ("here_then_elsewhere", 100, "freed before: "),
        ("interior_16", 100, "interior pointer: "),
        ("overwrite_link", 100, "written to after it was freed: "),
        ("twice", 100_000, "freed before: "),
    ] {
        let mut command = plain(&program);
        command.arg(kind).arg(size.to_string()).env("LD_PRELOAD", library());
        let output = run(&mut command, LIMIT).expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.lines().count() == 1 && said.contains(says), "{kind}: {said}");
    }
}
