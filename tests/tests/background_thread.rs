//! `background_thread:true`: a process that does nothing at all comes down, and is otherwise as it would be without that thread.

use std::process::Command;
use std::time::Duration;
use xalloc_tests::{emulator, fixture, plain, preloaded, run, skip, tail};

const ON: &str = "background_thread:true";

/// The numbers that the fixture prints.
fn numbers(mut command: Command) -> Vec<i64> {
    let output = run(&mut command, Duration::from_secs(120)).expect("it ends");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, tail(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| line.parse().expect("a number")).collect()
}

fn with(conf: &str, way: &str, size: &str) -> Command {
    let mut command = preloaded(fixture("background_thread.c", &[]), conf);
    command.args([way, size, "200"]);
    command
}

/// What `way` said between the number of threads after the peak and the resident set in the end, and those numbers of threads.
fn said(conf: &str, way: &str) -> (i64, [i64; 2]) {
    let found = numbers(with(conf, way, "1000"));
    let [_, 1, after, said, _, end] = found[..] else { panic!("{conf} {way}: {found:?}") };
    (said, [after, end])
}

#[test]
fn a_process_that_does_nothing_comes_down() {
    const SIZES: [&str; 4] = ["64", "1000", "20000", "300000"];
    // A block that the sleeping thread has cached may keep a huge page.
    let confs = [(ON, 2048), ("background_thread:true,thp:never", 0), ("background_thread:true,profile:lean", 0)];
    let rows = confs.into_iter().flat_map(|(conf, slack)| SIZES.map(|size| (conf, slack, "quiet", size)));
    let running: Vec<_> = rows
        .chain(SIZES.map(|size| (ON, 2048, "worker", size)))
        .map(|(conf, slack, way, size)| {
            let command = with(conf, way, size);
            std::thread::spawn(move || (format!("{conf} {way} {size}"), slack, numbers(command)))
        })
        .collect();
    let mut failures = Vec::new();
    for thread in running {
        let (row, slack, found) = thread.join().expect("it was measured");
        let [base, before, after_peak, end, threads] = found[..] else { panic!("{row}: {found:?}") };
        if [before, after_peak, threads] != [1, 2, 2] || end * 10 > base * 11 + slack * 10 {
            failures.push(format!("{row}: {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The other side: nobody is there who would do it.
#[test]
fn without_the_option_there_is_no_thread_and_the_memory_stays() {
    for conf in ["", "background_thread:false"] {
        let found = numbers(with(conf, "quiet", "1000"));
        let [base, 1, 1, end, 1] = found[..] else { panic!("{found:?}") };
        assert!(end > base + 100_000, "{found:?}");
    }
    let found = numbers(with("background_thread:true,heap:system", "quiet", "1000"));
    assert_eq!((found[1], found[2], found[4]), (1, 1, 1), "{found:?}");
}

#[test]
fn nothing_wakes_it_when_all_is_done() {
    assert_eq!(said("background_thread:true,purge_ms:100", "asleep"), (0, [2, 2]));
}

/// A call that only a process with one thread may make is answered as without the library, and there is no other thread from then on.
#[test]
fn it_ends_before_a_process_must_have_one_thread() {
    if emulator().is_some() {
        return skip("an emulator has threads of its own");
    }
    for way in ["unshare", "setns"] {
        let mut command = plain(fixture("background_thread.c", &[]));
        command.args([way, "1000", "200"]);
        let without = numbers(command);
        let (answer, threads) = said(ON, way);
        assert_eq!((answer, threads), (without[3], [2, 1]), "{way}");
    }
    // The kernel does refuse it otherwise.
    assert_eq!(said(ON, "unseen"), (rustix::io::Errno::INVAL.raw_os_error().into(), [2, 2]));
}

#[test]
fn it_ends_before_rights_are_given_up() {
    let found = numbers(with(ON, "prctl", "1000"));
    assert_eq!((found[1], found[2], found[4]), (1, 2, 1), "{found:?}");
}

#[test]
fn it_has_the_rights_of_the_others() {
    if !rustix::process::getuid().is_root() {
        return skip("only the superuser can become somebody else");
    }
    assert_eq!(said(ON, "setuid"), (12345, [2, 2]));
}

#[test]
fn signals_children_and_ends_are_as_without_it() {
    for way in ["signal", "fork", "vfork"] {
        let found = numbers(with(ON, way, "1000"));
        assert_eq!((found[1], found[2], found[4]), (1, 2, 2), "{way}: {found:?}");
    }
    // It does not keep the process alive: these end by `pthread_exit`.
    for way in ["main", "last"] {
        let found = numbers(with(ON, way, "1000"));
        assert_eq!(found[1..], [1, 2], "{way}: {found:?}");
    }
}

#[test]
fn a_process_ends_at_any_moment() {
    let program = fixture("background_thread.c", &[]);
    for round in 0..200 {
        let mut command = preloaded(&program, "background_thread:true,purge_ms:2");
        command.args(["exit", "1000", "24", &(round % 25).to_string()]);
        let found = numbers(command);
        assert_eq!(found[1..], [1, 2], "{found:?}");
    }
}
