//! An arena in memory that two processes share, built the way a third party would.

use std::time::Duration;
use xalloc_tests::{built, library, plain, succeed};

/// Also on the library, whose own heap has nothing to do with the program's.
#[cfg(target_os = "linux")]
#[test]
fn two_processes_share_an_arena() {
    let program = built("shared-arena", "shared-arena");
    for preloaded in [false, true] {
        let mut command = plain(&program);
        if preloaded {
            command.env("LD_PRELOAD", library());
        }
        let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
        let expected = "the first process has written 2000 numbers, in 128 KiB of slabs
the second process has read and marked them; their sum is 2001000
the first process finds 2000 of them marked, and has freed them
";
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{preloaded}");
    }
}
