//! Fork in every situation that has deadlocked or crashed an allocator: the promises about forks, more often than `xalloc check`
//! tries them.

use libtest_mimic::{Arguments, Trial};
use std::collections::BTreeSet;
use std::process::Command;
use xalloc_tests::promises;

/// The promise, how often on xalloc, how often on glibc, both by itself, to test the test, and behind `heap:system`
/// (0: not worth its time, or not what glibc's malloc can do).
const SITUATIONS: &[(&str, u32, u32, u32)] = &[
    // Threads in fflush(NULL) and getdelim: the cycle of stdio's list lock and the heap's.
    ("fork_while_others_use_stdio", 2000, 50, 50),
    ("fork_while_others_allocate", 400, 20, 20),
    // Threads that free what the forking one has allocated, and tidy up in its heap.
    ("fork_while_others_free_and_trim", 100, 20, 20),
    ("fork_in_one_thread", 100, 20, 20),
    ("fork_and_daemonise", 50, 10, 10),
    ("fork_in_another_thread", 100, 10, 10),
    // More handlers than libc has static room for, each of which allocates.
    ("fork_with_handlers_that_allocate", 50, 10, 10),
    ("fork_of_a_fork", 20, 5, 5),
    // _Fork, with xalloc's own functions around it.
    ("fork_without_libc", 100, 0, 0),
    // xalloc's own functions around fork, and a signal handler between them that forks.
    ("fork_inside_a_fork", 40, 0, 40),
    // In a signal handler that interrupted malloc or free, which glibc's own malloc does not survive.
    ("fork_in_a_signal_handler", 300, 0, 0),
    // popen, system, posix_spawn, vfork.
    ("popen_system_and_spawn", 60, 0, 10),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every_promise_is_here", || {
        let here: BTreeSet<String> = SITUATIONS.iter().map(|(promise, ..)| (*promise).to_owned()).collect();
        assert_eq!(promises::of_group("forks").into_iter().collect::<BTreeSet<_>>(), here);
        Ok(())
    })];
    for &(promise, ours, system, passed_through) in SITUATIONS {
        let mut trial = |name: &str, mut command: Command, times: u32| {
            if times > 0 {
                command.arg(times.to_string());
                let test = move || Ok(promises::check(&mut command)?);
                trials.push(Trial::test(format!("{name}/{promise}_{times}"), test));
            }
        };
        trial("xalloc", promises::on_xalloc(promise, ""), ours);
        trial("glibc", promises::on_glibc(promise), system);
        trial("heap_system", promises::on_xalloc(promise, "heap:system"), passed_through);
    }
    libtest_mimic::run(&arguments, trials).exit();
}
