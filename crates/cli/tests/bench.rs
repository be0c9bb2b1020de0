//! `xalloc bench`, as a user runs it: what it measures is not judged here.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{built, library, run, succeed};

/// The command with the workloads beside it, as a release build has them, but without its long link.
struct Build(tempfile::TempDir);

impl Build {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory in target");
        // Not a copy: while one is written, a process that another test starts may have it open, and it cannot be executed.
        let beside = |file: &Path| std::fs::hard_link(file, directory.path().join(file.file_name().expect("a name")));
        beside(&built("xalloc-workloads", "xalloc-workloads")).expect("a link");
        beside(Path::new(env!("CARGO_BIN_EXE_xalloc"))).expect("a link");
        Self(directory)
    }

    fn bench(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.0.path().join("xalloc"));
        command.arg("bench").args(arguments).arg("--library").arg(library()).env_remove("LD_PRELOAD");
        command
    }
}

const LIMIT: Duration = Duration::from_secs(120);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn lists_workloads_and_allocators() {
    let output = succeed(&mut Build::new().bench(&["--list"]), LIMIT).unwrap();
    let text = text(&output.stdout);
    for name in ["xalloc ", "glibc ", "larson ", "meta-memory ", "toolchainkit "] {
        assert!(text.contains(&format!("\n  {name}")), "{name}: {text}");
    }
}

#[test]
fn measures_and_writes_what_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (json, md, svg) = (file("a.json"), file("a.md"), file("a.svg"));
    let same = format!("same={}", library().display());
    let allocators = format!("xalloc,glibc,{same}");
    let arguments = ["-n", "2", "-w", "haha-realloc,meta-local", "-a", &allocators];
    let output =
        succeed(Build::new().bench(&arguments).args(["--json", &json, "--md", &md, "--svg", &svg]), LIMIT).unwrap();
    let table = text(&output.stdout);
    assert!(table.contains("meta-local-warm") && table.contains("geometric mean"), "{table}");
    let json = std::fs::read_to_string(json).unwrap();
    assert_eq!(
        json.matches("\"faults\"").count(),
        2 * 4 * 3,
        "runs × workloads (three begin with meta-local) × allocators"
    );
    assert!(std::fs::read_to_string(md).unwrap().contains("| haha-realloc | "));
    assert_eq!(std::fs::read_to_string(svg).unwrap().matches("<circle").count(), 3);
}

#[test]
fn says_what_is_wrong() {
    let build = Build::new();
    for (arguments, complaint) in [
        (["-w", "nonsense"], "no workload's name begins with 'nonsense'; --list names them"),
        (["-a", "nonsense"], "nonsense"),
        (["-n", "0"], "0 is not in 1.."),
    ] {
        let output = run(&mut build.bench(&arguments), LIMIT).unwrap();
        assert!(!output.status.success() && text(&output.stderr).contains(complaint), "{output:?}");
    }
}

/// A library that crashes every program is a failed cell and exit code 1, not an end of the whole comparison.
#[test]
fn goes_on_when_an_allocator_fails() {
    let source = tempfile::tempdir().unwrap();
    let (c, library) = (source.path().join("crash.c"), source.path().join("crash.so"));
    std::fs::write(&c, "void *malloc(unsigned long size) { __builtin_trap(); }").unwrap();
    let status = Command::new("cc").args(["-w", "-shared", "-fPIC", "-o"]).args([&library, &c]).status().unwrap();
    assert!(status.success());
    let allocators = format!("glibc,crash={}", library.display());
    let output = run(&mut Build::new().bench(&["-n", "1", "-w", "haha-realloc", "-a", &allocators]), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("failed"), "{output:?}");
}
