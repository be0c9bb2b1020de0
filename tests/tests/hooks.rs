//! A heap's hooks: once for the process, once for each thread's beginning and end, whatever made and ended it; and a heap
//! that allocates inside of them, which comes back to itself before it is there.

use std::time::Duration;
use xalloc_tests::{built, fixture, has, plain, succeed};

/// How often `thread_init` and `thread_exit` ran for threads of this kind.
fn hooks(how: &str) -> (usize, usize) {
    let program = fixture("hooks_of_threads.c", &[]);
    let mut command = plain(program);
    command.arg(how).env("LD_PRELOAD", built("observed-heap", "libobserved_heap.so"));
    let output = succeed(&mut command, Duration::from_secs(300)).unwrap_or_else(|error| panic!("{error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let counts: Vec<usize> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    (counts[0], counts[1])
}

#[test]
fn run_once_for_each_thread() {
    for how in ["return", "pthread_exit", "cancel", "thrd_return", "thrd_exit"] {
        assert_eq!(hooks(how), (50, 50), "{how}");
    }
}

/// Threads that libc makes by itself never pass our pthread_create: they are seen at their first allocation.
#[test]
fn run_for_threads_that_the_wrapper_never_saw() {
    let (inits, exits) = hooks("notified");
    // One more than the notifications: the thread of libc's that waits for the timers, which does not end.
    assert!((50..=51).contains(&inits), "{inits}");
    assert_eq!(exits, 50);
}

#[test]
fn a_heap_that_allocates_in_its_hooks_runs_programs() {
    if !has("python3") {
        return;
    }
    let script = "python3 -c 'import threading
threads = [threading.Thread(target=lambda: [str(i) for i in range(20000)]) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]; print(\"ended\")'";
    let mut command = plain("bash");
    command.args(["-c", script]).env("LD_PRELOAD", built("observed-heap", "libobserved_heap.so"));
    let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((&*output.stdout, &*output.stderr), (&b"ended\n"[..], &b""[..]));
}
