//! Blocks that another thread frees: what waits for a thread that sleeps is bounded, and what a thread leaves behind keeps nothing.

use std::time::Duration;
use xalloc_tests::{fixture, preloaded, run};

/// The KiB that the fixture prints: a line each.
fn sizes<const COUNT: usize>(way: &str) -> [i64; COUNT] {
    let program = fixture("handed_over.c", &[]);
    let mut command = preloaded(&program, "");
    command.arg(way);
    let output = run(&mut command, Duration::from_secs(120)).expect("it ends");
    assert!(output.status.success(), "{way}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let sizes: Vec<i64> = text.lines().map(|line| line.parse().expect("a number")).collect();
    sizes.try_into().expect("the lines of this way")
}

fn mebibytes(count: i64) -> i64 {
    count << 10
}

/// 400 MB were in 200 threads that end.
#[test]
fn abandoned_heaps_keep_nothing() {
    let [after_activity, after_trim] = sizes("ended");
    assert!(after_activity <= mebibytes(64) && after_trim <= mebibytes(16), "{after_activity} KiB, {after_trim} KiB");
}

#[test]
fn heaps_of_threads_that_a_fork_left_behind_keep_nothing() {
    let [after_activity, after_trim] = sizes("forked");
    assert!(after_activity <= mebibytes(64) && after_trim <= mebibytes(16), "{after_activity} KiB, {after_trim} KiB");
}

#[test]
fn trim_reaches_the_heaps_of_threads_that_sleep() {
    // Of either size, each of 200 threads has cached a few blocks.
    let [after_trim] = sizes("asleep");
    assert!(after_trim <= mebibytes(64), "{after_trim} KiB");
}

/// 400 MB of a thread that sleeps are freed by another one, which allocates as much again.
#[test]
fn little_waits_for_a_thread_that_sleeps() {
    let [peak] = sizes("joined");
    assert!(peak <= mebibytes(560), "{peak} KiB");
}

#[test]
fn what_waits_is_not_in_use() {
    let [freed] = sizes("counted");
    assert_eq!(freed, 1000, "KiB of 1000");
}
