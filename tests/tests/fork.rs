//! Fork in every situation that has deadlocked or crashed an allocator; see the fixture.

use libtest_mimic::{Arguments, Trial};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

/// A hang shows as a time-out. Far above what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(600);

/// The fixture's situation, how often on xalloc, how often on glibc, both by itself, to test the test, and behind `heap:system`
/// (0: not worth its time, or not what glibc's malloc can do).
const SITUATIONS: &[(&str, u32, u32, u32)] = &[
    // Threads in fflush(NULL) and getdelim: the cycle of stdio's list lock and the heap's.
    ("stdio", 2000, 50, 50),
    ("allocating", 400, 20, 20),
    // Threads that free what the forking one has allocated, and tidy up in its heap.
    ("helped", 100, 20, 20),
    ("single", 100, 20, 20),
    ("daemon", 50, 10, 10),
    ("other_thread", 100, 10, 10),
    // More handlers than libc has static room for, each of which allocates.
    ("handlers", 50, 10, 10),
    ("chain", 20, 5, 5),
    // _Fork, with xalloc's own functions around it.
    ("without_libc", 100, 0, 0),
    // xalloc's own functions around fork, and a signal handler between them that forks.
    ("inside_a_fork", 40, 0, 40),
    // In a signal handler that interrupted malloc or free, which glibc's own malloc does not survive.
    ("interrupted", 300, 0, 0),
    // popen, system, posix_spawn, vfork.
    ("others", 60, 0, 10),
];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("fork.c", &[]).into_boxed_path());
    let mut trials = Vec::new();
    for &(situation, ours, system, passed_through) in SITUATIONS {
        let mut trial = |name: &str, mut command: Command, times: u32| {
            if times > 0 {
                command.args([situation, &times.to_string()]);
                trials.push(Trial::test(format!("{name}/{situation}_{times}"), move || {
                    succeed(&mut command, LIMIT)?;
                    Ok(())
                }));
            }
        };
        trial("xalloc", preloaded(program, ""), ours);
        trial("glibc", plain(program), system);
        trial("heap_system", preloaded(program, "heap:system"), passed_through);
    }
    libtest_mimic::run(&arguments, trials).exit();
}
