//! Processes that run.

use crate::program::{Stepped, figures, of_class, report, said, stats, text};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const OBSERVED: &str = "observe:true";

#[test]
fn counts_are_exact_by_size_and_by_thread() {
    let mut program = Stepped::counts(OBSERVED);
    let before = report(program.process, &[]);
    assert_eq!(before["since"], "first_allocation");
    assert_eq!(of_class(&before, 5 << 10), [100, 30, 0, 70 * 5120]);
    assert_eq!(of_class(&before, 10 << 10), [50, 30, 10, 20 * 10240]);
    let threads = before["threads"]["observed"].as_array().expect("threads");
    let is_main = |thread: &&Value| thread["thread"] == program.process;
    let main = figures(threads.iter().find(is_main).expect("the main thread"));
    let other = figures(threads.iter().find(|thread| !is_main(thread)).expect("the other thread"));
    // Besides, it frees what its creator has allocated for it.
    assert_eq!((other[0], other[1] - other[2], threads.len()), (50, 20, 2));
    assert_eq!(main[2], 10, "blocks of the other thread that it freed");
    // The thread ends, and what it counted stays.
    program.step("t");
    let after = report(program.process, &[]);
    assert_eq!(after["threads"]["observed"].as_array().map(Vec::len), Some(1));
    assert_eq!(figures(&after["threads"]["exited"]), other);
    assert_eq!(of_class(&after, 10 << 10), [50, 30, 10, 20 * 10240]);
}

#[test]
fn a_mark_shows_what_came_after_it() {
    let mut program = Stepped::counts(OBSERVED);
    let process = program.process.to_string();
    let (code, unmarked) = said([&process, "--since-mark"]);
    assert_eq!(code, Some(2), "{unmarked}");
    assert!(unmarked.contains(&format!("has no mark; xalloc stats {process} --mark sets one")), "{unmarked}");
    let (code, marked) = said([&process, "--mark"]);
    assert_eq!(code, Some(0), "{marked}");
    program.step("a");
    let after = report(program.process, &["--since-mark"]);
    assert_eq!((&after["since"], figures(&after["total"])), (&Value::from("mark"), [10, 0, 0, 10 * 40960]));
    assert_eq!(
        (of_class(&after, 40 << 10), after["classes"].as_array().map(Vec::len)),
        ([10, 0, 0, 10 * 40960], Some(1))
    );
    // The mark hides nothing from those who do not ask for it.
    assert_eq!(of_class(&report(program.process, &[]), 5 << 10)[0], 100);
}

/// What was allocated before is not known then, and what was not counted makes nothing exact again.
#[test]
fn observation_is_switched_on_late_and_off_again() {
    let mut program = Stepped::counts("");
    let process = program.process.to_string();
    let mut command = stats([&process, "--json"]);
    let mut command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    // It has told the process when it says so.
    let mut line = String::new();
    BufReader::new(command.stderr.take().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.contains("it was not observed; it is from its next allocation on"), "{line}");
    program.step("a");
    let first = command.wait_with_output().expect("it ends");
    assert!(first.status.success(), "{}", text(&first));
    let late = report(program.process, &[]);
    assert_eq!((&late["since"], of_class(&late, 40 << 10)[0]), (&Value::from("observation"), 10));
    assert_eq!(of_class(&late, 5 << 10)[0], 0);
    let (code, off) = said([&process, "--off"]);
    assert_eq!(code, Some(0), "{off}");
    program.step("a");
    let again = report(program.process, &[]);
    assert_eq!(of_class(&again, 40 << 10)[0], 10);
    program.step("a");
    assert_eq!(of_class(&report(program.process, &[]), 40 << 10)[0], 20);
}

#[test]
fn what_is_live_is_not_known_after_a_pause() {
    let mut program = Stepped::counts(OBSERVED);
    let (code, off) = said([&program.process.to_string(), "--off"]);
    assert_eq!(code, Some(0), "{off}");
    program.step("a");
    assert_eq!(report(program.process, &[])["since"], "observation");
}

#[test]
fn a_process_that_does_not_allocate_is_waited_for_no_longer_than_asked() {
    let program = Stepped::counts("");
    let (code, said) = said([&program.process.to_string(), "--wait", "0.05"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("did not allocate for 0.05 s"), "{said}");
}

#[test]
fn a_forked_child_has_counts_of_its_own() {
    let mut program = Stepped::counts(OBSERVED);
    let parent = program.process;
    program.step("f");
    assert_ne!(program.process, parent);
    program.step("a");
    let (of_parent, of_child) = (report(parent, &[]), report(program.process, &[]));
    assert_eq!((of_class(&of_parent, 40 << 10)[0], &of_parent["parent"]), (0, &Value::Null));
    assert_eq!((of_class(&of_child, 40 << 10)[0], &of_child["parent"]), (10, &parent.into()));
    // The child has what its parent had allocated; the other thread is not in it.
    assert_eq!(of_class(&of_child, 10 << 10), [50, 30, 10, 20 * 10240]);
    assert_eq!(of_child["threads"]["observed"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_last_counts_are_shown_when_the_process_ends() {
    let mut program = Stepped::counts(OBSERVED);
    let mut command = stats([&program.process.to_string(), "--json", "--every", "60"]);
    let mut command = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
    let mut lines = BufReader::new(command.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("another report").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(of_class(&next(), 40 << 10)[0], 0);
    program.step("a");
    program.let_go().wait().expect("it ends");
    assert_eq!(of_class(&next(), 40 << 10)[0], 10);
    let output = command.wait_with_output().expect("it ends");
    assert!(text(&output).contains("it has ended"), "{}", text(&output));
    assert_eq!(output.status.code(), Some(0));
}

/// The sum of the rows that are not shown is a row.
#[test]
fn rows_are_cut_off_and_summed() {
    let program = Stepped::counts(OBSERVED);
    let (code, said) = said([&program.process.to_string(), "--threads", "--top", "1"]);
    assert_eq!(code, Some(0), "{said}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = said.lines().map(words).collect();
    let row = |label: [&str; 2]| lines.iter().find(|line| line.starts_with(&label.map(str::to_owned)));
    assert_eq!(row(["5", "KiB"]).map(|row| row[2..7].join(" ")), Some("100 30 0 70 358400".into()), "{said}");
    assert!(row(["10", "KiB"]).is_none(), "{said}");
    assert_eq!(lines.iter().filter(|line| line.get(1).is_some_and(|word| word == "more")).count(), 2, "{said}");
}
