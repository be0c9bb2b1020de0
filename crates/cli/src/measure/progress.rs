//! The progress of what takes long.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Returns a bar for `steps` runs or other steps, with the time that is left and what is done now.
pub fn bar(steps: u64) -> ProgressBar {
    let template = "{bar:30} {pos}/{len} {elapsed} (left: {eta}) {msg}";
    let style = ProgressStyle::with_template(template).expect("a correct template");
    let progress = ProgressBar::new(steps).with_style(style);
    progress.enable_steady_tick(Duration::from_millis(500));
    progress
}
