//! How many threads a workload has, and starting them.

use std::thread;

/// As many as the machine has processors, between 2 and 16.
pub fn count() -> usize {
    thread::available_parallelism().map_or(2, usize::from).clamp(2, 16)
}

/// Runs `work` in `count` threads, each with its number, and waits until they have ended: the scope alone waits for their
/// work only, not for what they clean up afterwards.
pub fn run(count: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
    });
}
