//! What is compared, and how.

use super::figure::Figure;
use crate::measure::machine::Machine;
use serde::Serialize;

/// What was compared, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Setup {
    /// The version of this command.
    pub version: &'static str,
    /// The time of the beginning, in UTC.
    pub date: String,
    /// The machine.
    pub machine: Machine,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The command that gives a server work.
    pub load: Option<String>,
    /// The name of the `--metric`.
    pub metric: Option<String>,
    /// The number of runs of each candidate that count.
    pub runs: u32,
    /// The number of runs before them that do not count.
    pub warmup: u32,
    /// The figure that decides, if the user chose one.
    pub by: Option<By>,
    /// Whether the memory of all processes together was asked for.
    pub tree: bool,
    /// The number of seconds after a server's load at which its memory was to be measured.
    pub settle: Option<f64>,
    /// The differences that are too small to matter.
    pub negligible: Negligible,
}

/// The figure by which the user wants to decide.
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

/// Differences from the base that are ignored, however certain they are, in addition to those of less than 1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Negligible {
    /// The limit for times, in seconds.
    pub time: f64,
    /// The limit for memory, in KiB.
    pub memory: f64,
}

impl Negligible {
    /// Returns whether a `difference` in a figure is ignored.
    pub fn holds(&self, figure: Figure, difference: f64) -> bool {
        (figure.is_time() && difference.abs() < self.time) || (figure.is_memory() && difference.abs() < self.memory)
    }
}

impl Setup {
    /// Returns the figure for speed: the metric if there is one, otherwise the time.
    pub fn speed(&self) -> Figure {
        if self.metric.is_some() { Figure::Metric } else { Figure::Time }
    }

    /// Returns the figures in which candidates are compared: speed (the metric, if there is one, or the time), memory, and
    /// those that an option asked for.
    pub fn judged(&self) -> impl Iterator<Item = Figure> {
        let cpu = (self.by == Some(By::Cpu)).then_some(Figure::Cpu);
        let tree = self.tree.then_some(Figure::Tree);
        let settled = self.settle.map(|_| Figure::Settled);
        [self.speed()].into_iter().chain(cpu).chain([Figure::Memory]).chain(tree).chain(settled)
    }
}
