//! A heap of four methods, built the way a third party would: programs run on it.

use std::time::Duration;
use xalloc_tests::{built, has, plain, promises, succeed};

fn on_my_heap(script: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut command = plain("bash");
    command.args(["-c", script]).current_dir(directory.path()).env("LD_PRELOAD", built("my-heap", "libmy_heap.so"));
    let output = succeed(&mut command, Duration::from_secs(120)).unwrap_or_else(|error| panic!("{error}"));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn runs_python() {
    if has("python3") {
        assert_eq!(on_my_heap("python3 -c 'print(len([str(i) for i in range(5000)]))'"), "5000");
    }
}

#[test]
fn runs_threads() {
    let script = "python3 -c 'import threading
threads = [threading.Thread(target=lambda: [bytearray(i) for i in range(2000)]) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]; print(\"ended\")'";
    if has("python3") {
        assert_eq!(on_my_heap(script), "ended");
    }
}

#[test]
fn runs_git() {
    let script = "git init -q . && echo text >file && git add file && \
                  git -c user.name=a -c user.email=a@b commit -qm first && git fsck 2>/dev/null; git log --format=%s";
    if has("git") {
        assert_eq!(on_my_heap(script), "first");
    }
}

#[test]
fn keeps_the_promises_about_operators() {
    let program = promises::program().display();
    for promise in promises::of_group("operators") {
        assert_eq!(on_my_heap(&format!("{program} run {promise}")), "holds", "{promise}");
    }
}
