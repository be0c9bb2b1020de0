//! `xalloc check`: on libraries that break a promise on purpose, on glibc and on our own. The command is where it is installed.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use xalloc_tests::{copy, fixture, library, plain, preloadable, promises};

/// Those groups that are checked in seconds.
const QUICK: &str = "symbols,malloc,alignment,operators,statistics,foreign,start-and-end";

/// The command, with its program below `libexec`.
fn command() -> &'static Path {
    static COMMAND: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = COMMAND.get_or_init(|| {
        let prefix = preloadable();
        let [bin, libexec] = ["bin", "libexec/xalloc"].map(|name| prefix.path().join(name));
        for directory in [&bin, &libexec] {
            std::fs::create_dir_all(directory).expect("a directory");
        }
        copy(env!("CARGO_BIN_EXE_xalloc"), &bin.join("xalloc"));
        copy(promises::program(), &libexec.join("xalloc-check"));
        let command = bin.join("xalloc");
        (prefix, command)
    });
    path
}

/// `xalloc check` with these arguments, and the report.
fn check(arguments: &[&str]) -> (Value, Output) {
    let mut command = plain(command());
    command.args(["check", "--json", "-"]).args(arguments).env("XALLOC_LIBRARY", library());
    let output = command.output().expect("the command starts");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (report, output)
}

/// The promises that are broken and count, each with the reason.
fn broken(report: &Value) -> Vec<(&str, &str)> {
    let rows = report["promises"].as_array().expect("rows").iter();
    let broken = rows.filter(|row| row["verdict"] == "broken" && row["is_excused"] == false);
    broken.map(|row| (row["name"].as_str().expect("a name"), row["reason"].as_str().expect("a reason"))).collect()
}

/// An allocator that forwards to libc's, and breaks what `flag` says.
fn forwards(flag: &str) -> String {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/forwards.c");
    let library = fixture(source, &["-shared", "-fPIC", flag]);
    library.to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn a_library_that_breaks_nothing_is_as_glibc() {
    let (report, output) = check(&[&forwards("-DNOTHING"), "--against", "system", "--promises", QUICK]);
    assert_eq!(broken(&report), []);
    assert_eq!((output.status.code(), &report["holds"]), (Some(0), &Value::Bool(true)));
}

#[test]
fn what_one_library_breaks_is_exactly_one_row() {
    let (report, output) = check(&[&forwards("-DCALLOC_WRAPS"), "--against", "system", "--promises", QUICK]);
    let [(name, reason)] = broken(&report)[..] else { panic!("{report}") };
    assert_eq!(name, "calloc_overflow_is_enomem");
    assert!(reason.contains("a product above SIZE_MAX"), "{reason}");
    assert_eq!((output.status.code(), &report["holds"]), (Some(1), &Value::Bool(false)));
    // The table is for people, and the standard output is taken.
    let table = String::from_utf8_lossy(&output.stderr);
    let by_hand = table.lines().find(|line| line.starts_with("One alone")).expect("the way to look at it");
    assert!(by_hand.ends_with("libexec/xalloc/xalloc-check run calloc_overflow_is_enomem"), "{by_hand}");
}

#[test]
fn functions_that_are_not_bound_are_named() {
    let (report, _) = check(&[&forwards("-DLEAVES_ALIGNED"), "--promises", "symbols"]);
    let [(name, reason)] = broken(&report)[..] else { panic!("{report}") };
    assert_eq!(name, "aligned_functions_are_bound");
    assert!(reason.contains("aligned_alloc (libc.so.6), posix_memalign (libc.so.6)"), "{reason}");
}

#[test]
fn a_crash_is_one_row_with_its_signal() {
    let (report, output) = check(&[&forwards("-DCRASHES"), "--promises", "malloc"]);
    let [(name, reason)] = broken(&report)[..] else { panic!("{report}") };
    assert_eq!(name, "realloc_null_0_is_a_block");
    assert!(reason.starts_with("ended by SIGILL") || reason.starts_with("ended by SIGTRAP"), "{reason}");
    assert_eq!(report["promises"].as_array().map(Vec::len), Some(promises::of_group("malloc").len()));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_hang_is_one_row_and_ends() {
    let library = forwards("-DHANGS");
    let (report, output) =
        check(&[&library, "--promises", "usable_size_of_null_is_0,realloc_to_0_frees", "--timeout", "5"]);
    assert_eq!(broken(&report), [("usable_size_of_null_is_0", "not over after 5 s: a hang")]);
    assert_eq!(output.status.code(), Some(1));
}

/// glibc is its own control. What it does not keep itself is broken without one, and excused with one.
#[test]
fn glibc_is_measured_by_itself() {
    let (report, output) = check(&["glibc", "--promises", "frees_blocks_of_another_namespace,malloc_0"]);
    assert_eq!(broken(&report).len(), 1, "{report}");
    assert_eq!(output.status.code(), Some(1));
    let (report, output) = check(&["system", "--against", "system", "--promises", QUICK]);
    assert_eq!(broken(&report), []);
    assert!(report["promises"].as_array().expect("rows").iter().any(|row| row["is_excused"] == true));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn our_own_library_keeps_all() {
    let (report, output) = check(&["xalloc", "--promises", &format!("{QUICK},threads")]);
    assert_eq!(broken(&report), []);
    assert_eq!(output.status.code(), Some(0));
}

/// As a user reads it.
#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .register_bin("xalloc", command())
        .env("XALLOC_LIBRARY", library().display().to_string())
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("HOME", "/nonexistent")
        .case("tests/transcripts/check/*.md");
}

/// Where its program is missing, the command says so, and what to do.
#[test]
fn without_its_program_it_says_where_it_looked() {
    let place = preloadable();
    let alone = place.path().join("xalloc");
    copy(env!("CARGO_BIN_EXE_xalloc"), &alone);
    let output: Output = Command::new(&alone).args(["check", "--list"]).output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let places = ["xalloc-check, and no ", "libexec/xalloc/xalloc-check; install it"];
    assert!(places.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
