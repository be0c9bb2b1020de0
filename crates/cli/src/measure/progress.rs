//! The progress of a measurement.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Returns a bar for `runs` runs, with the time that is left and what runs now.
pub fn bar(runs: u64) -> ProgressBar {
    let template = "{bar:30} {pos}/{len} {elapsed} (left: {eta}) {msg}";
    let style = ProgressStyle::with_template(template).expect("a correct template");
    let progress = ProgressBar::new(runs).with_style(style);
    progress.enable_steady_tick(Duration::from_millis(500));
    progress
}
