//! What the heap says of itself in numbers: mallinfo2 and its like, and `xalloc_stats`, of a program that knows what it holds.

use libtest_mimic::Arguments;
use std::process::Command;
use xalloc_tests::{checkout, fixture, plain, preloaded, rows};

/// Rows that the default heap must have: without the struct they would be missing.
const OF_THE_STRUCT: &[&str] = &[
    "a_shorter_struct_is_filled_as_far_as_it_goes",
    "full_the_struct_adds_up",
    "full_the_struct_agrees_with_mallinfo2",
    "the_header_is_of_the_librarys_version",
    "the_kernel_agrees",
    "what_a_thread_has_freed_for_another_one_is_seen",
    "what_a_thread_keeps_is_seen",
    "what_the_library_does_not_know_is_0",
];

fn main() {
    let arguments = Arguments::from_args();
    let include = format!("-I{}", checkout().join("exports").display());
    let program = fixture("statistics.c", &[&include]);
    let exactly = |mut command: Command| {
        command.arg("exact");
        command
    };
    let mut trials = rows::alone("glibc", &mut plain(&program), &[]);
    trials.extend(rows::alone("xalloc heap:system", &mut preloaded(&program, "heap:system"), &[]));
    for conf in ["", "profile:lean", "purge_ms:0", "thp:always", "background_thread:true"] {
        let mut command = exactly(preloaded(&program, conf));
        trials.extend(rows::alone(&format!("xalloc {conf}"), &mut command, OF_THE_STRUCT));
    }
    libtest_mimic::run(&arguments, trials).exit();
}
