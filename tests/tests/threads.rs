//! Threads that begin and end in every way: the promises about threads, more often than `xalloc check` tries them, and what only
//! xalloc promises.

use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{configure, emulator, fixture, library, plain, preloaded, promises, succeed};

const LIMIT: Duration = Duration::from_secs(120);
/// The promises, and how often each is tried.
const PROMISES: &[(&str, u32)] = &[
    // Return, pthread_exit, pthread_cancel and thrd_exit in turn.
    ("threads_end_in_every_way", 10_000),
    // Key destructors that allocate and re-arm themselves, and C++ thread_local destructors.
    ("thread_destructors_allocate", 5_000),
    // Threads whose only calls are frees in the last round of destructors.
    ("threads_free_in_the_last_round", 2_000),
    ("blocks_go_from_thread_to_thread", 20),
    ("threads_with_large_stacks", 20),
    ("threads_use_libc", 500),
    ("many_keys", 1),
    ("many_threads_at_once", 300),
    ("exit_while_others_allocate", 100),
];

/// Threads that each use 30 KiB: rounds, how many are alive at once, and by how many MiB the resident set may have grown.
const LEAVE: &[(u32, u32, i64)] = &[(10_000, 1, 2), (1, 200, 16), (20, 200, 48)];

/// Threads that neither libc nor the library is told of.
const CLONE_WAYS: &[&str] = &[
    "clone_in_the_parents_storage",
    // The fixture lays out the thread's descriptor itself, as one machine has it.
    #[cfg(target_arch = "x86_64")]
    "clone_in_its_own_storage",
];

fn main() {
    let arguments = Arguments::from_args();
    let clone: &'static Path = Box::leak(fixture("clone_threads.c", &[]).into_boxed_path());
    let mut trials = vec![Trial::test("every_promise_is_here", || {
        let here: BTreeSet<String> = PROMISES.iter().map(|(promise, _)| (*promise).to_owned()).collect();
        assert_eq!(promises::of_group("threads").into_iter().collect::<BTreeSet<_>>(), here);
        Ok(())
    })];
    for &(promise, times) in PROMISES {
        // An emulator keeps memory of its own for every thread there ever was.
        let may_grow = emulator().is_some();
        trials.push(Trial::test(format!("xalloc/{promise}_{times}"), move || {
            kept(promises::on_xalloc(promise, ""), times, may_grow)
        }));
        let times = times.min(1000);
        // Growth of glibc's own heap is not ours to judge; that the promise is checked on it is.
        trials.push(Trial::test(format!("glibc/{promise}_{times}"), move || {
            kept(promises::on_glibc(promise), times, true)
        }));
    }
    let short: &'static Path = Box::leak(fixture("threads_leave_little.c", &[]).into_boxed_path());
    for &(rounds, count, most) in LEAVE {
        let mut trial = |name: &str, mut command: Command| {
            command.args([rounds.to_string(), count.to_string()]);
            let name = format!("{name}/{rounds}_rounds_of_{count}_leave_little");
            trials.push(Trial::test(name, move || measure(&mut command, Some(most << 10))));
        };
        trial("xalloc", preloaded(short, ""));
        trial("glibc", plain(short));
    }
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
    configure(&mut command, "");
    command.env("LD_PRELOAD", format!("{before} {}", module.display()));
    measure(command.arg("3000"), Some(2048))
}

/// Checks a promise so many times. With `may_grow`, the resident set may do so.
fn kept(mut command: Command, times: u32, may_grow: bool) -> Result<(), Failed> {
    match promises::check(command.arg(times.to_string())) {
        Err(error) if may_grow && error.contains("broken: the resident set grew") => Ok(()),
        result => Ok(result?),
    }
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
