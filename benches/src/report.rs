//! What a workload says of itself. `xalloc bench` reads these lines.

use std::time::{Duration, Instant};

/// Says that only this much of the run counts as the workload's time.
pub fn time(time: Duration) {
    println!("time: {:.9}", time.as_secs_f64());
}

/// Says something else about the run, in a unit of its own.
pub fn note(name: &str, value: impl std::fmt::Display) {
    println!("note: {name} {value}");
}

/// Runs `work`, and how long that took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The value below which `percent` of the sorted `values` lie, between neighbours in proportion.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let position = percent / 100.0 * (sorted.len() - 1) as f64;
    let (low, part) = (position as usize, position.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * part
}
