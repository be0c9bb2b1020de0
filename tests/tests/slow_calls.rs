//! The kernel may take long to make a huge page, or to move a large block: the other threads go on meanwhile. strace makes it
//! take that long.

use std::time::Duration;
use xalloc_tests::{behind, emulator, fixture, has, plain, preloaded, skip, succeed};

const LIMIT: Duration = Duration::from_secs(120);

/// `call` is the system call to take long, and which one of the thread's it is.
fn others_go_on(way: &str, call: &str) {
    if !has("strace") {
        return;
    }
    if emulator().is_some() || succeed(&mut behind(&["strace", "-qq"], &plain("true")), LIMIT).is_err() {
        return skip("strace cannot see the program's calls here");
    }
    let mut command = preloaded(fixture("slow_call.c", &[]), "");
    command.arg(way);
    let slow = format!("inject={call}:delay_enter=5000000");
    let mut command = behind(&["strace", "-f", "-qq", "-o", "/dev/null", "-e", &slow], &command);
    succeed(&mut command, LIMIT).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn while_a_huge_page_is_made() {
    others_go_on("populate", "madvise:when=2");
}

#[test]
fn while_a_block_moves() {
    others_go_on("move", "mremap:when=1");
}
