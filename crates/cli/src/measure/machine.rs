//! The machine on which something was measured.

use serde::Serialize;
use std::fs;

/// The facts about a machine that belong to a table of measurements.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// The number of processors that this process may use.
    pub processors: usize,
    /// The kernel's release.
    pub kernel: String,
    /// The kernel's setting for transparent huge pages: always, madvise, never, or none.
    pub huge_pages: String,
}

impl Machine {
    /// Returns the facts about this machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let information = read("/proc/cpuinfo");
        let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or(std::env::consts::ARCH, |(_, name)| name).trim().to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            huge_pages: huge_pages(),
        }
    }
}

/// Returns the kernel's setting for transparent huge pages, or `none` if it has no such pages.
pub fn huge_pages() -> String {
    let text = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let chosen = text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
    chosen.map_or("none", |(word, _)| word).to_owned()
}

impl std::fmt::Display for Machine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processor, processors, kernel, huge_pages } = self;
        write!(formatter, "{processors} × {processor}, Linux {kernel}, transparent huge pages: {huge_pages}")
    }
}
