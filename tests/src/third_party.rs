//! Programs on a heap that a third party has written, and built as a preloadable library.

use crate::{plain, succeed};
use std::path::Path;
use std::time::Duration;

/// Runs a script of bash in an empty directory, all of it on this library. Returns what it printed. Panics if it fails, or says
/// anything on the standard error.
pub fn on_library(library: &Path, script: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = plain("bash");
    command.args(["-ec", script]).current_dir(directory.path()).env("LD_PRELOAD", library);
    let output = succeed(&mut command, Duration::from_secs(120)).unwrap_or_else(|error| panic!("{error}"));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A script that makes a repository and a commit, and prints its message: `first`.
pub const GIT: &str = "git init -q . && echo text >file && git add file && \
                       git -c user.name=a -c user.email=a@b commit -qm first && git fsck 2>/dev/null; git log --format=%s";

/// A script of four Python threads that allocate, which prints `ended`.
pub const PYTHON_THREADS: &str = "python3 -c 'import threading
threads = [threading.Thread(target=lambda: [bytearray(i) for i in range(2000)]) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]; print(\"ended\")'";
