//! Threads that begin and end in every way; see the fixture.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{emulator, fixture, library, plain, preloaded, succeed};

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

/// Threads that neither libc nor the library is told of.
const CLONE_WAYS: &[&str] = &[
    "clone_in_the_parents_storage",
    // The fixture lays out the thread's descriptor itself, as one machine has it.
    #[cfg(target_arch = "x86_64")]
    "clone_in_its_own_storage",
];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("threads.cpp", &["-std=c++17"]).into_boxed_path());
    let clone: &'static Path = Box::leak(fixture("clone_threads.c", &[]).into_boxed_path());
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
    for &way in CLONE_WAYS {
        trials.push(Trial::test(format!("xalloc/{way}_500"), move || check(&mut preloaded(clone, ""), way, 500, None)));
        trials.push(Trial::test(format!("glibc/{way}_100"), move || check(&mut plain(clone), way, 100, None)));
    }
    trials.push(Trial::test("xalloc/keys_older_than_the_allocators_3000", || early_keys(&library().to_string_lossy())));
    trials.push(Trial::test("glibc/keys_older_than_the_allocators_3000", || early_keys("")));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The loader runs the last `initfirst` library's constructor before ours, so its keys are the first of the process.
fn early_keys(before: &str) -> Result<(), Failed> {
    let module = fixture("early_keys.c", &["-DMODULE", "-shared", "-fPIC", "-Wl,-z,initfirst"]);
    let mut command = plain(fixture("early_keys.c", &[]));
    command.env("LD_PRELOAD", format!("{before} {}", module.display()));
    measure(command.arg("3000"), Some(2048))
}

fn check(command: &mut Command, way: &str, count: u32, most: Option<i64>) -> Result<(), Failed> {
    measure(command.args([way, &count.to_string()]), most)
}

fn measure(command: &mut Command, most: Option<i64>) -> Result<(), Failed> {
    let output = succeed(command, LIMIT)?;
    // An emulator keeps memory of its own for every thread there ever was.
    let Some(most) = most.filter(|_| emulator().is_none()) else { return Ok(()) };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let growth: i64 = text.trim().parse().map_err(|_| format!("the fixture said: {text}"))?;
    if growth >= most { Err(format!("grew by {growth} KiB").into()) } else { Ok(()) }
}
