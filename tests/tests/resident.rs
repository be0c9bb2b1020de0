//! What the library makes resident: hardly more than the program touches. Huge pages are where it could be much more.

use std::process::Command;
use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, run};

const LIMIT: Duration = Duration::from_secs(120);

/// Returns whether the kernel makes huge pages where it is asked to (`madvise`) and not by itself (`always`).
fn huge_pages_are_to_be_asked_for() -> bool {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    let is_so = setting.is_ok_and(|setting| setting.contains("[madvise]"));
    if !is_so {
        eprintln!("skipped: the kernel does not make huge pages on request only");
    }
    is_so
}

/// The numbers that the fixture says.
fn said(mut command: Command, way: &str) -> Vec<i64> {
    let output = run(command.arg(way), LIMIT).expect("it ends");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().map(|number| number.parse().expect("a number")).collect()
}

fn holds_at_most(way: &str, conf: &str, mebibytes: i64) {
    if huge_pages_are_to_be_asked_for() {
        let kibibytes = said(preloaded(fixture("resident.c", &[]), conf), way)[0];
        assert!(kibibytes <= mebibytes << 10, "{way} {conf}: {kibibytes} KiB");
    }
}

#[test]
fn blocks_of_which_only_the_ends_are_touched() {
    holds_at_most("ends", "", 300);
}

#[test]
fn stacks_of_coroutines() {
    holds_at_most("stacks", "", 10);
}

#[test]
fn a_table_of_few_entries() {
    holds_at_most("table", "", 20);
}

#[test]
fn a_table_that_grows_and_stays_empty() {
    holds_at_most("growing", "", 10);
}

/// That the program filled a block says nothing about the next one in the same place.
#[test]
fn a_sparse_block_in_the_place_of_a_full_one() {
    holds_at_most("after", "purge_ms:0", 10);
}

#[test]
fn threads_that_use_little_of_their_slabs() {
    holds_at_most("threads", "thp:always", 300);
}

/// At most six in a hundred more than glibc: programs of 25 to 35 MiB, where huge pages begin to be worth it.
#[test]
fn small_programs_hold_what_they_hold_under_glibc() {
    if !huge_pages_are_to_be_asked_for() {
        return;
    }
    let program = fixture("resident.c", &[]);
    for way in ["small", "arrays"] {
        let (glibc, ours) = (said(plain(&program), way)[0], said(preloaded(&program, ""), way)[0]);
        assert!(ours * 100 <= glibc * 106, "{way}: {ours} KiB, {glibc} under glibc");
    }
}

/// The other side: what a program fills piece by piece still gets them. One fault for each page that it fills is too many.
#[test]
fn blocks_that_grow_full_get_huge_pages() {
    if !huge_pages_are_to_be_asked_for() {
        return;
    }
    let program = fixture("resident.c", &[]);
    let faults = |conf| said(preloaded(&program, conf), "filled")[1];
    let (asked, never) = (faults(""), faults("thp:never"));
    assert!(asked * 2 <= never, "{asked} faults, {never} without huge pages");
}
