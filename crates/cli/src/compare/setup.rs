//! What is compared, and how.

use super::figure::Figure;
use crate::measure::machine::Machine;
use serde::Serialize;

/// What was compared, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Setup {
    /// The version of this command.
    pub version: &'static str,
    /// The beginning, in UTC.
    pub date: String,
    /// Where.
    pub machine: Machine,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What gives a server work.
    pub load: Option<String>,
    /// What `--metric` is called.
    pub metric: Option<String>,
    /// Runs of each that count.
    pub runs: u32,
    /// Runs before them that do not.
    pub warmup: u32,
    /// The figure that decides, if one was chosen.
    pub by: Option<By>,
    /// Whether the memory of all processes together was asked for.
    pub tree: bool,
    /// Seconds after a server's load at which its memory was asked for.
    pub settle: Option<f64>,
    /// Differences that are too small to matter.
    pub negligible: Negligible,
}

/// The figure that a verdict goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Time, or the metric.
    Time,
    /// Processor time.
    Cpu,
    /// Peak memory.
    Memory,
}

/// Differences from the base that nobody would choose an allocator for, however sure they are, beside those of less than 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Negligible {
    /// Of times, in seconds.
    pub time: f64,
    /// Of memory, in KiB.
    pub memory: f64,
}

impl Negligible {
    /// Whether a figure that is `difference` apart is as good as equal.
    pub fn holds(&self, figure: Figure, difference: f64) -> bool {
        (figure.is_time() && difference.abs() < self.time) || (figure.is_memory() && difference.abs() < self.memory)
    }
}

impl Setup {
    /// What speed is: the metric if there is one, otherwise time.
    pub fn speed(&self) -> Figure {
        if self.metric.is_some() { Figure::Metric } else { Figure::Time }
    }

    /// What candidates are compared in: speed (a metric takes the place of the time), memory, and what was asked for beside them.
    pub fn judged(&self) -> impl Iterator<Item = Figure> {
        let cpu = (self.by == Some(By::Cpu)).then_some(Figure::Cpu);
        let tree = self.tree.then_some(Figure::Tree);
        let settled = self.settle.map(|_| Figure::Settled);
        [self.speed()].into_iter().chain(cpu).chain([Figure::Memory]).chain(tree).chain(settled)
    }
}
