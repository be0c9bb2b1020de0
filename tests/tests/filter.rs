//! Programs whose system calls are filtered, as sandboxes do it: what the filter does not list ends the process.
//! docs/system-calls.md says which ones the library makes.

use std::time::Duration;
use xalloc_tests::{emulator, fixture, plain, preloaded, run, skip, tail};

/// On glibc first: the filter is one that its malloc can live with.
fn serves(list: &str, way: &str) {
    if emulator().is_some() {
        return skip("an emulator passes no filter on to the kernel");
    }
    let program = fixture("filter.c", &[]);
    for mut command in [plain(&program), preloaded(&program, "")] {
        let output = run(command.args([list, way]), Duration::from_secs(120)).expect("it ends");
        let ended = output.status.success() && output.stdout.ends_with(b"ok\n");
        assert!(ended, "{command:?}: {}\n{}", output.status, tail(&output));
    }
}

#[test]
fn a_filter_around_libcs_malloc() {
    serves("libc", "prctl");
}

#[test]
fn one_that_comes_unseen() {
    serves("libc", "syscall");
}

#[test]
fn one_for_a_single_thread() {
    serves("memory", "prctl");
}
