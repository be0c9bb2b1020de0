//! Signal handlers that allocate, free and exit although they interrupted the allocator; see the fixture. Such a program is
//! wrong, but it must not hang: it runs on, or it ends with a line that says what it did.

use libtest_mimic::{Arguments, Failed, Trial};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
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
    libtest_mimic::run(&arguments, trials).exit();
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
