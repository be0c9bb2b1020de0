//! Signal handlers that allocate, free and exit although they interrupted the allocator; see the fixture. Such a program is
//! wrong, but it must not hang: it runs on, or it ends with a line that says what it did. And the signals that a write raises.

use libtest_mimic::{Arguments, Failed, Trial};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{fixture, preloaded, run, skip, succeed, tail};

/// A hang shows as a time-out.
const LIMIT: Duration = Duration::from_secs(60);
const SIGABRT: i32 = 6;
/// The fixture's exit code where it may not filter system calls.
const NO_FILTER: i32 = 77;

/// What is interrupted: each of the calls by which the allocator asks the kernel for something, and whether it holds a lock then that
/// the handler's own call needs.
const CALLS: [(&str, bool); 4] = [("mmap", true), ("munmap", true), ("mremap", false), ("madvise", false)];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("signal_handlers.c", &[]).into_boxed_path());
    let mut trials = Vec::new();
    for action in ["malloc", "exit"] {
        for (call, is_locked) in CALLS {
            trials
                .push(Trial::test(format!("{action}_in_{call}"), move || in_a_call(program, call, is_locked, action)));
        }
        trials.push(Trial::test(format!("{action}_anywhere_300"), move || {
            succeed(preloaded(program, "").args(["300", action]), LIMIT)?;
            Ok(())
        }));
    }
    trials.push(Trial::test("writing_into_a_pipe_without_a_reader", without_a_reader));
    trials.push(Trial::test("writing_into_a_file_that_may_not_grow", without_room));
    trials.push(Trial::test("statistics_into_a_file_that_may_not_grow", statistics_without_room));
    libtest_mimic::run(&arguments, trials).exit();
}

// What the library has to say does not end the program that it says it of.

fn without_a_reader() -> Result<(), Failed> {
    let (source, sink) = std::io::pipe()?;
    drop(source);
    ends_well(preloaded("true", "verbose:true,stats:true").stderr(sink))
}

fn without_room() -> Result<(), Failed> {
    ends_well(limited("verbose:true,stats:true").stderr(tempfile::tempfile()?))
}

fn statistics_without_room() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    ends_well(&mut limited(&format!("stats:{}/%p", directory.path().display())))
}

/// A program that runs where no file may have a byte.
fn limited(conf: &str) -> Command {
    let mut command = preloaded("sh", conf);
    command.args(["-c", "ulimit -f 0; exec true"]);
    command
}

fn ends_well(command: &mut Command) -> Result<(), Failed> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(status.to_string().into()) }
}

fn in_a_call(program: &Path, call: &str, is_locked: bool, action: &str) -> Result<(), Failed> {
    let output = run(preloaded(program, "").args([call, action]), LIMIT)?;
    if output.status.code() == Some(NO_FILTER) {
        skip("system calls cannot be filtered here");
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let explained =
        said.starts_with("xalloc: a signal handler has come back into the allocator") && said.lines().count() == 1;
    if !is_locked && output.status.success() && said.is_empty() {
        return Ok(());
    }
    if output.status.signal() == Some(SIGABRT) && explained {
        return Ok(());
    }
    Err(format!("{}\n{}", output.status, tail(&output)).into())
}
