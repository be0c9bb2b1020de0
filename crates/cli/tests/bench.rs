//! `xalloc bench`, as a user runs it: what it measures is not judged here.

use std::path::{Path, PathBuf};
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

/// A library in `directory` whose malloc has this body.
fn allocator(directory: &Path, name: &str, body: &str) -> PathBuf {
    let (source, library) = (directory.join(format!("{name}.c")), directory.join(format!("{name}.so")));
    std::fs::write(&source, format!("void *malloc(unsigned long size) {{ {body} }} void free(void *block) {{}}"))
        .unwrap();
    let status = Command::new("cc").args(["-w", "-shared", "-fPIC", "-o"]).args([&library, &source]).status().unwrap();
    assert!(status.success());
    library
}

/// A library that crashes every program is a failed cell and exit code 1, not an end of the whole comparison.
#[test]
fn goes_on_when_an_allocator_fails() {
    let source = tempfile::tempdir().unwrap();
    let library = allocator(source.path(), "crash", "__builtin_trap();");
    let allocators = format!("glibc,crash={}", library.display());
    let output = run(&mut Build::new().bench(&["-n", "1", "-w", "haha-realloc", "-a", &allocators]), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("failed"), "{output:?}");
}

/// The loader leaves out what it cannot load, and the program runs on, with glibc's malloc.
#[test]
fn what_the_loader_leaves_out_has_no_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let build = Build::new();
    let bench = |library: &Path| {
        let allocators = format!("glibc,mine={}", library.display());
        run(&mut build.bench(&["-n", "1", "-w", "haha-realloc", "-a", &allocators]), LIMIT).unwrap()
    };
    let blank = directory.path().join("with blank");
    std::fs::create_dir(&blank).unwrap();
    let library = allocator(&blank, "mine", "return 0;");
    let notes = directory.path().join("notes.so");
    std::fs::write(&notes, "no library").unwrap();
    for (library, complaint) in [(&library, "takes no path with a blank"), (&notes, "neither a program nor a script")] {
        let output = bench(library);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        assert!(text(&output.stderr).contains(complaint), "{output:?}");
    }
    // Nothing is wrong with it but what only the loader knows.
    let mut bytes = std::fs::read(&library).unwrap();
    bytes[8] = 99;
    let other = directory.path().join("other.so");
    std::fs::write(&other, bytes).unwrap();
    let output = bench(&other);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("haha-realloc under mine: ld.so: object"), "{output:?}");
}
