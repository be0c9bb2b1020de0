//! Threads that begin and end in every way; see the fixture.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

const LIMIT: Duration = Duration::from_secs(120);
/// The fixture's way, how often, and by how many KiB the resident set may grow after the warm-up, if the way measures.
const WAYS: &[(&str, u32, Option<i64>)] = &[
    // Return, pthread_exit, pthread_cancel and thrd_exit in turn.
    ("ends", 10_000, Some(2048)),
    // Key destructors that allocate and re-arm themselves, and C++ thread_local destructors.
    ("destructors", 5_000, Some(2048)),
    // Threads whose only calls are frees in the last round of destructors.
    ("frees_late", 2_000, Some(2048)),
    // 70 MB go from thread to thread each time; how well they fit into what is there varies.
    ("hand_over", 20, Some(16 << 10)),
    ("large_stacks", 20, None),
    ("libc", 500, None),
    ("keys", 1, None),
    ("idle", 300, None),
];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("threads.cpp", &["-std=c++17"]).into_boxed_path());
    let mut trials = Vec::new();
    for &(way, count, most) in WAYS {
        trials.push(Trial::test(format!("xalloc/{way}_{count}"), move || {
            check(&mut preloaded(program, ""), way, count, most)
        }));
        let count = count.min(1000);
        // Growth of glibc's own heap is not ours to judge; that the fixture runs on it is.
        trials.push(Trial::test(format!("glibc/{way}_{count}"), move || check(&mut plain(program), way, count, None)));
    }
    trials.push(Trial::test("xalloc/exit_while_others_allocate_100_times", move || {
        (0..100).try_for_each(|_| check(&mut preloaded(program, ""), "exit", 1, None))
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

fn check(command: &mut Command, way: &str, count: u32, most: Option<i64>) -> Result<(), Failed> {
    let output = succeed(command.args([way, &count.to_string()]), LIMIT)?;
    let Some(most) = most else { return Ok(()) };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let growth: i64 = text.trim().parse().map_err(|_| format!("the fixture said: {text}"))?;
    if growth >= most { Err(format!("grew by {growth} KiB").into()) } else { Ok(()) }
}
