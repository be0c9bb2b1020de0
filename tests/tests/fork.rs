//! Fork in every situation that has deadlocked or crashed an allocator; see the fixture.

use libtest_mimic::{Arguments, Trial};
use std::path::Path;
use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

/// A hang shows as a time-out. Far above what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(600);

/// The fixture's situation, how often on xalloc, how often on glibc to test the test (0: not worth its time).
const SITUATIONS: &[(&str, u32, u32)] = &[
    // Threads in fflush(NULL) and getdelim: the cycle of stdio's list lock and the heap's.
    ("stdio", 2000, 50),
    ("allocating", 400, 20),
    ("single", 100, 20),
    ("daemon", 50, 10),
    ("other_thread", 100, 10),
    // More handlers than libc has static room for, each of which allocates.
    ("handlers", 50, 10),
    ("chain", 20, 5),
    // _Fork, with xalloc's own functions around it.
    ("without_libc", 100, 0),
    // In a signal handler that interrupted malloc or free, which glibc's own malloc does not survive.
    ("interrupted", 300, 0),
    // popen, system, posix_spawn, vfork.
    ("others", 60, 0),
];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("fork.c", &[]).into_boxed_path());
    let mut trials = Vec::new();
    for &(situation, ours, system) in SITUATIONS {
        trials.push(Trial::test(format!("xalloc/{situation}_{ours}"), move || {
            succeed(preloaded(program, "").args([situation, &ours.to_string()]), LIMIT)?;
            Ok(())
        }));
        if system > 0 {
            trials.push(Trial::test(format!("glibc/{situation}_{system}"), move || {
                succeed(plain(program).args([situation, &system.to_string()]), LIMIT)?;
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
