//! A heap of four methods, built the way a third party would: programs run on it.

use xalloc_tests::third_party::{GIT, PYTHON_THREADS, on_library};
use xalloc_tests::{built, has, promises};

fn on_my_heap(script: &str) -> String {
    on_library(&built("my-heap", "libmy_heap.so"), script)
}

#[test]
fn runs_python() {
    if has("python3") {
        assert_eq!(on_my_heap("python3 -c 'print(len([str(i) for i in range(5000)]))'"), "5000");
    }
}

#[test]
fn runs_threads() {
    if has("python3") {
        assert_eq!(on_my_heap(PYTHON_THREADS), "ended");
    }
}

#[test]
fn runs_git() {
    if has("git") {
        assert_eq!(on_my_heap(GIT), "first");
    }
}

#[test]
fn keeps_the_promises_about_operators() {
    let program = promises::program().display();
    for promise in promises::of_group("operators") {
        assert_eq!(on_my_heap(&format!("{program} run {promise}")), "holds", "{promise}");
    }
}
