//! How many threads a workload has, and starting them.

use std::thread;

/// As many as the machine has processors, between 2 and 16.
pub fn count() -> usize {
    thread::available_parallelism().map_or(2, usize::from).clamp(2, 16)
}

/// Runs `work` in `count` threads, each with its number, and waits for them.
pub fn run(count: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}
