//! `xalloc bench`, as a user runs it: what it measures is not judged here.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use xalloc_tests::{behind, built, library, preloadable, run, stop_and_continue, succeed, wait_until};

/// The command with the workloads beside it, as a release build has them, but without its long link.
struct Build(tempfile::TempDir);

impl Build {
    fn new() -> Self {
        let build = Self::without_workloads();
        build.add(&built("xalloc-workloads", "xalloc-workloads"));
        build
    }

    /// With a shell script as the one workload, "mine".
    fn with_workload(script: &str) -> Self {
        Self::with_runner(&format!("if [ \"$1\" = list ]; then printf 'mine\\tOurs.\\n'; exit; fi\n{script}"))
    }

    /// With a shell script in the place of `xalloc-workloads`.
    fn with_runner(script: &str) -> Self {
        let build = Self::without_workloads();
        let file = build.0.path().join("script");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("ours");
        xalloc_tests::copy(&file, &build.0.path().join("xalloc-workloads"));
        build
    }

    fn without_workloads() -> Self {
        let build = Self(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory in target"));
        build.add(Path::new(env!("CARGO_BIN_EXE_xalloc")));
        build
    }

    /// Not a copy: while one is written, a process that another test starts may have it open, and it cannot be executed.
    fn add(&self, file: &Path) {
        std::fs::hard_link(file, self.0.path().join(file.file_name().expect("a name"))).expect("a link");
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
    for name in ["xalloc ", "system ", "larson ", "meta-memory ", "toolchainkit "] {
        assert!(text.contains(&format!("\n  {name}")), "{name}: {text}");
    }
}

/// As where only `scripts/install` has been: the library is in lib, and there are no workloads.
#[test]
fn says_that_it_needs_a_checkout() {
    let prefix = tempfile::tempdir().expect("a directory outside of the checkout");
    let (bin, lib) = (prefix.path().join("bin"), prefix.path().join("lib"));
    std::fs::create_dir(&bin).and_then(|()| std::fs::create_dir(&lib)).expect("directories");
    std::fs::copy(env!("CARGO_BIN_EXE_xalloc"), bin.join("xalloc")).expect("a copy");
    std::fs::copy(library(), lib.join("libxalloc.so")).expect("a copy");
    let bench = || {
        let mut command = Command::new(bin.join("xalloc"));
        command.args(["bench", "--list"]).env_remove("XALLOC_LIBRARY");
        command
    };
    let output = run(&mut bench(), LIMIT).unwrap();
    assert!(text(&output.stderr).contains("the workloads are in xalloc's sources and are not installed"), "{output:?}");
    assert_eq!(output.status.code(), Some(1));
    std::fs::copy(built("xalloc-workloads", "xalloc-workloads"), bin.join("xalloc-workloads")).expect("a copy");
    let output = succeed(&mut bench(), LIMIT).unwrap();
    assert!(text(&output.stdout).contains(&lib.join("libxalloc.so").display().to_string()), "{output:?}");
}

/// As bash asks for it.
#[test]
fn a_shell_completes_workloads_and_allocators() {
    let build = Build::with_workload("true");
    let completed = |option: &str, word: &str| {
        let mut command = Command::new(build.0.path().join("xalloc"));
        command.env("XALLOC_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3");
        let output = succeed(command.args(["--", "xalloc", "bench", option, word]), LIMIT).unwrap();
        text(&output.stdout)
    };
    assert_eq!(completed("-w", "min"), "mine");
    assert_eq!(completed("-w", "mine,min"), "mine,mine");
    assert!(completed("-a", "xalloc,sys").contains("xalloc,system"));
}

#[test]
fn measures_and_writes_what_it_is_asked_for() {
    let directory = preloadable();
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
        (["-w", "larsn"], "did you mean 'larson'?"),
        (["-w", "nonsense"], "no workload's name begins with 'nonsense'; --list names them"),
        (["-a", "nonsense"], "nonsense"),
        (["-n", "0"], "0 is not in 1.."),
    ] {
        let output = run(&mut build.bench(&arguments), LIMIT).unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains(complaint), "{output:?}");
    }
}

/// Nobody wants to measure for an hour and then have no file.
#[test]
fn files_that_cannot_be_written_are_told_before_the_first_run() {
    let place = preloadable();
    let ran = place.path().join("ran");
    let build = Build::with_workload(&format!("echo > {}", ran.display()));
    for (kind, file) in [("--json", "/no/such/file"), ("--md", "/no/such/file"), ("--svg", "/")] {
        let output = run(&mut build.bench(&["-n", "1", "-w", "mine", kind, file]), LIMIT).unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains(&format!("cannot write {file}: ")) && !ran.exists(), "{output:?}");
    }
}

#[test]
fn a_file_called_minus_is_the_standard_output_and_the_tables_are_elsewhere() {
    let build = Build::with_workload("true");
    let output = run(&mut build.bench(&["-n", "1", "-w", "mine", "-a", "glibc", "--json", "-"]), LIMIT).unwrap();
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(results["allocators"], serde_json::json!(["system"]));
    assert!(text(&output.stderr).contains("largest resident set"), "{output:?}");
    let output = run(&mut build.bench(&["-n", "1", "-w", "mine", "--json", "-", "--md", "-"]), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("only one file can be -"), "{output:?}");
}

#[test]
fn one_file_that_cannot_be_written_does_not_cost_the_others() {
    let place = preloadable();
    let md = place.path().join("a.md");
    // It can be opened.
    let files = ["--json", "/dev/full", "--md", md.to_str().unwrap()];
    let build = Build::with_workload("true");
    let output = run(build.bench(&["-n", "1", "-w", "mine", "-a", "glibc"]).args(files), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("cannot write /dev/full"), "{output:?}");
    assert!(std::fs::read_to_string(md).unwrap().contains("| mine | "));
}

#[test]
fn workloads_that_cannot_be_listed_are_a_failure() {
    let build = Build::with_runner("echo no luck >&2; exit 3");
    let output = run(&mut build.bench(&["--list"]), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("no luck"), "{output:?}");
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
    let source = preloadable();
    let library = allocator(source.path(), "crash", "__builtin_trap();");
    let allocators = format!("glibc,crash={}", library.display());
    let output = run(&mut Build::new().bench(&["-n", "1", "-w", "haha-realloc", "-a", &allocators]), LIMIT).unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("failed"), "{output:?}");
}

/// The loader leaves out what it cannot load, and the program runs on, with glibc's malloc.
#[test]
fn what_the_loader_leaves_out_has_no_numbers() {
    let directory = preloadable();
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
    for (library, complaint) in [(&library, "takes no path with a blank"), (&notes, "neither a program nor a library")]
    {
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

/// Ctrl-C reaches only this command, whose children are in groups of their own: it has to end them.
#[test]
fn an_interrupt_ends_the_workload_and_shows_what_there_is() {
    let place = preloadable();
    let file = |name: &str| place.path().join(name).display().to_string();
    let (count, number, json) = (file("count"), file("number"), file("a.json"));
    // The program that is still running in the second round.
    let build = Build::with_workload(&format!(
        "echo >> {count}; test $(wc -l < {count}) -lt 3 || {{ echo $$ > {number}.new; mv {number}.new {number}; sleep 600; }}"
    ));
    let command = build.bench(&["-n", "9", "-w", "mine", "-a", "xalloc,glibc", "--json", &json]);
    let mut command = behind(&["env", "--default-signal"], &command);
    let mut child = command.stdout(Stdio::piped()).process_group(0).spawn().unwrap();
    wait_until(&mut child, || Path::new(&number).exists());
    // SAFETY: no memory is involved; the child is ours and not waited for yet.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let table = text(&output.stdout);
    assert!(table.contains("9 runs each, medians; interrupted") && table.contains(" mine "), "{table}");
    assert_eq!(std::fs::read_to_string(json).unwrap().matches("\"faults\"").count(), 2);
    let number = std::fs::read_to_string(number).unwrap();
    assert!(!Path::new("/proc").join(number.trim()).exists(), "{number} is still there");
}

/// Ctrl-Z and `fg`: the workload goes on meanwhile, so that run says nothing.
#[test]
fn a_run_in_which_it_was_stopped_is_done_again() {
    let place = preloadable();
    let file = |name: &str| place.path().join(name).display().to_string();
    let (count, number, go_on) = (file("count"), file("number"), file("go_on"));
    // The second run, of two, waits to be told.
    let build = Build::with_workload(&format!(
        "echo >> {count}; test $(wc -l < {count}) -ne 2 || {{ echo > {number}; until test -e {go_on}; do sleep 0.01; done; }}"
    ));
    let mut child =
        build.bench(&["-n", "2", "-w", "mine", "-a", "glibc"]).stdout(Stdio::piped()).spawn().expect("it starts");
    wait_until(&mut child, || Path::new(&number).exists());
    stop_and_continue(&mut child);
    std::fs::write(go_on, "").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(std::fs::read_to_string(count).unwrap().len(), 2 + 1);
}
