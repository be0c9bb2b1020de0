//! What cannot be observed: each is one line, and ends.

use crate::program::{Stepped, counts, said, stats, text};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use xalloc_tests::{has, library, plain, skip};

/// The only line that the command says of a process, with its exit code.
fn line(process: u32, arguments: &[&str]) -> String {
    let process = process.to_string();
    let (code, said) = said([process.as_str()].into_iter().chain(arguments.iter().copied()));
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
    said
}

#[test]
fn a_program_without_the_library() {
    let program = Stepped::start(&mut plain(counts()));
    let said = line(program.process, &[]);
    assert!(said.contains("it does not run on libxalloc; start it by xalloc stats -- PROGRAM"), "{said}");
    assert!(line(program.process, &["--off"]).contains("does not run on libxalloc"));
}

#[test]
fn a_process_that_has_ended_and_nobody_waited_for() {
    let mut program = Stepped::counts("observe:true");
    let process = program.process;
    let child = program.let_go();
    let status = format!("/proc/{process}/status");
    while !std::fs::read_to_string(&status).expect("not waited for").contains("State:\tZ") {
        std::thread::yield_now();
    }
    assert!(line(process, &[]).contains("has ended"));
    child.wait().expect("it ends");
    assert!(line(process, &[]).contains(&format!("there is no process {process}")));
}

#[test]
fn a_process_that_ends_while_it_is_waited_for() {
    let mut program = Stepped::counts("");
    let mut command = stats([&program.process.to_string()]);
    let mut command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut errors = BufReader::new(command.stderr.take().expect("a pipe")).lines();
    errors.next().expect("that it waits").expect("text");
    program.tell("k");
    let last = errors.next().expect("a line").expect("text");
    assert!(last.ends_with("has ended"), "{last}");
    assert_eq!(command.wait().expect("it ends").code(), Some(1));
}

#[test]
fn a_thread_is_no_process() {
    let program = Stepped::counts("observe:true");
    let tasks = std::fs::read_dir(format!("/proc/{}/task", program.process)).expect("threads");
    let threads = tasks.map(|task| task.expect("a thread").file_name().into_string().expect("a number"));
    let thread = threads.filter_map(|task| task.parse().ok()).find(|&task: &u32| task != program.process);
    let said = line(thread.expect("the other thread"), &[]);
    assert!(said.contains(&format!("is a thread of process {}: name that one", program.process)), "{said}");
}

#[test]
fn a_process_of_another_user() {
    let is_root = std::fs::metadata("/proc/self").expect("/proc").uid() == 0;
    if !is_root || !has("setpriv") {
        return skip("only root can be another user");
    }
    let directory = tempfile::tempdir_in("/tmp").expect("a directory");
    Command::new("chmod").arg("755").arg(directory.path()).status().expect("chmod starts");
    let command = directory.path().join("xalloc");
    xalloc_tests::copy(env!("CARGO_BIN_EXE_xalloc"), &command);
    for conf in ["observe:true", ""] {
        let program = Stepped::counts(conf);
        let mut other = plain("setpriv");
        other.args(["--reuid=65534", "--clear-groups"]).arg(&command).arg("stats").arg(program.process.to_string());
        let output = other.output().expect("it starts");
        let said = text(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
        assert!(said.contains("it is another user's (uid 0); call this command as root (sudo)"), "{said}");
    }
}

/// Whatever stands in the file.
#[test]
fn segments_that_are_none() {
    if !has("python3") {
        return;
    }
    let wrong = [
        ("size=0", "it does not run on libxalloc"),
        ("size=100", "it does not begin as a segment does"),
        ("magic=xallocSH", "it does not begin as a segment does"),
        ("version=2", "it is of version 2, of another xalloc"),
        ("size=1000000", "its slots is wrong"),
        ("slots_offset=4294967288", "its slots is wrong"),
        ("slots=4294967295", "its slots is wrong"),
        ("slot_stride=8", "its slot_stride is wrong"),
        ("counters_offset=7", "its counters_offset is wrong"),
        ("classes=0", "its classes is wrong"),
        ("limits_offset=67108856", "its limits_offset is wrong"),
        ("mark_offset=67108856", "its mark_offset is wrong"),
    ];
    for (field, reason) in wrong {
        let program = segment(&[field]);
        let said = line(program.process, &[]);
        assert!(said.contains(reason), "{field}: {said}");
    }
    // What is in order but for numbers that nobody can have counted is shown.
    for field in ["epoch=1", "used_slots=4294967295"] {
        let program = segment(&[field]);
        let (code, said) = said([program.process.to_string()]);
        assert_eq!(code, Some(0), "{field}: {said}");
    }
}

#[test]
fn a_segment_of_another_process() {
    if !has("python3") {
        return;
    }
    let said = line(segment(&["process=1"]).process, &[]);
    assert!(said.contains("it does not run on libxalloc"), "{said}");
}

#[test]
fn a_segment_that_is_cut_off_while_it_is_read() {
    if !has("python3") {
        return;
    }
    let mut program = segment(&[]);
    let mut command = stats([&program.process.to_string(), "--every", "0.05"]);
    let mut command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut first = String::new();
    BufReader::new(command.stdout.take().expect("a pipe")).read_line(&mut first).expect("a line");
    program.step("\n");
    let output = command.wait_with_output().expect("it ends");
    assert_eq!(text(&output), "xalloc: the segment became shorter while it was read: start the program again\n");
    assert_eq!(output.status.code(), Some(1));
}

/// A process with a file as its segment in which these fields are wrong.
fn segment(wrong: &[&str]) -> Stepped {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/segment.py");
    Stepped::start(plain("python3").arg(script).args(wrong))
}

/// The library's file is another one since the process was started.
#[test]
fn a_library_that_was_replaced() {
    let place = xalloc_tests::preloadable();
    let copied = place.path().join("libxalloc.so");
    xalloc_tests::copy(library(), &copied);
    let program = Stepped::start(plain(counts()).env("LD_PRELOAD", &copied));
    std::fs::remove_file(&copied).expect("a file");
    xalloc_tests::copy(library(), &copied);
    let said = line(program.process, &[]);
    assert!(said.contains("the file of its libxalloc was replaced since it was started"), "{said}");
}
