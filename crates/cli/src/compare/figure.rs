//! The figures of a run: their names, the units in which they are shown, and which direction is better.

use super::sample::Sample;
use crate::measure::counters::Counter;

/// A value that is measured in each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// Seconds from start to end; for a server, those of the load.
    Time,
    /// The number that `--metric` found; more is better.
    Metric,
    /// The largest resident set, in KiB.
    Memory,
    /// The largest memory of all processes together (the sum of their proportional set sizes), in KiB.
    Tree,
    /// The same memory some time after a server's load.
    Settled,
    /// Seconds of processor time.
    Cpu,
    /// Seconds of processor time in user mode.
    User,
    /// Seconds of processor time in kernel mode.
    System,
    /// Page faults that needed no disk.
    MinorFaults,
    /// Page faults that needed the disk.
    MajorFaults,
    /// The number of times that the program waited for something.
    Waits,
    /// The number of times that the kernel took the processor away from it.
    Preemptions,
    /// A number that the processor counts.
    Counted(Counter),
}

impl Figure {
    /// Returns all figures, in the order of the tables.
    pub fn all() -> impl Iterator<Item = Self> {
        use Figure::*;
        let own =
            [Time, Metric, Memory, Tree, Settled, Cpu, User, System, MinorFaults, MajorFaults, Waits, Preemptions];
        own.into_iter().chain(Counter::ALL.map(Counted))
    }

    /// Returns the figure's key in JSON and CSV.
    pub fn key(self) -> &'static str {
        match self {
            Self::Time => "wall",
            Self::Metric => "metric",
            Self::Memory => "rss",
            Self::Tree => "pss",
            Self::Settled => "settled_pss",
            Self::Cpu => "cpu",
            Self::User => "user",
            Self::System => "system",
            Self::MinorFaults => "minor_faults",
            Self::MajorFaults => "major_faults",
            Self::Waits => "voluntary_switches",
            Self::Preemptions => "involuntary_switches",
            Self::Counted(Counter::Instructions) => "instructions",
            Self::Counted(Counter::Cycles) => "cycles",
            Self::Counted(Counter::CacheMisses) => "cache_misses",
            Self::Counted(Counter::TlbMisses) => "tlb_misses",
            Self::Counted(Counter::BranchMisses) => "branch_misses",
        }
    }

    /// Returns the figure's name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Metric => "metric",
            Self::Memory => "peak memory",
            Self::Tree => "all processes",
            Self::Settled => "settled",
            Self::Cpu => "processor time",
            Self::User => "user",
            Self::System => "kernel",
            Self::MinorFaults => "minor faults",
            Self::MajorFaults => "major faults",
            Self::Waits => "waits",
            Self::Preemptions => "preempted",
            Self::Counted(Counter::Instructions) => "instructions",
            Self::Counted(Counter::Cycles) => "cycles",
            Self::Counted(Counter::CacheMisses) => "cache misses",
            Self::Counted(Counter::TlbMisses) => "TLB misses",
            Self::Counted(Counter::BranchMisses) => "branch misses",
        }
    }

    /// Returns the figure's value in a run.
    pub fn of(self, sample: &Sample) -> Option<f64> {
        let usage = &sample.usage;
        Some(match self {
            Self::Time => usage.wall,
            Self::Metric => return sample.metric,
            Self::Memory => usage.rss as f64,
            Self::Tree => return sample.tree.map(|size| size as f64),
            Self::Settled => return sample.settled.map(|size| size as f64),
            Self::Cpu => usage.user + usage.system,
            Self::User => usage.user,
            Self::System => usage.system,
            Self::MinorFaults => usage.minor_faults as f64,
            Self::MajorFaults => usage.major_faults as f64,
            Self::Waits => usage.voluntary_switches as f64,
            Self::Preemptions => usage.involuntary_switches as f64,
            Self::Counted(counter) => return sample.counters.get(&counter).copied(),
        })
    }

    /// Returns whether the figure is an amount of memory, in KiB.
    pub fn is_memory(self) -> bool {
        matches!(self, Self::Memory | Self::Tree | Self::Settled)
    }

    /// Returns whether the figure is a time, in seconds.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Time | Self::Cpu | Self::User | Self::System)
    }

    /// Returns whether the figure is measured only if an option asks for it. Not every kernel has it.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::Tree | Self::Settled)
    }

    /// Returns whether more of it is better.
    pub fn is_gain(self) -> bool {
        self == Self::Metric
    }

    /// Returns the unit for values about as large as `typical`.
    pub fn unit(self, typical: f64) -> Unit {
        match self {
            Self::Time | Self::Cpu | Self::User | Self::System if typical < 1.0 => {
                Unit { name: "ms", factor: 1e3, decimals: 1 }
            }
            Self::Time | Self::Cpu | Self::User | Self::System => Unit { name: "s", factor: 1.0, decimals: 3 },
            Self::Memory | Self::Tree | Self::Settled => Unit { name: "MiB", factor: 1.0 / 1024.0, decimals: 1 },
            _ if typical >= 1e10 => Unit { name: "G", factor: 1e-9, decimals: 2 },
            _ if typical >= 1e7 => Unit { name: "M", factor: 1e-6, decimals: 2 },
            _ if typical >= 1e4 => Unit { name: "k", factor: 1e-3, decimals: 2 },
            Self::Metric if typical < 10.0 => Unit { name: "", factor: 1.0, decimals: 3 },
            Self::Metric => Unit { name: "", factor: 1.0, decimals: 1 },
            _ => Unit { name: "", factor: 1.0, decimals: 0 },
        }
    }
}

/// The unit in which the numbers of a column are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The unit's name; empty for plain numbers.
    pub name: &'static str,
    /// The factor by which values are multiplied.
    pub factor: f64,
    decimals: usize,
}

impl Unit {
    /// Returns a value without the unit's name.
    pub fn show(&self, value: f64) -> String {
        format!("{:.*}", self.decimals, value * self.factor)
    }

    /// Returns a column's heading.
    pub fn heading(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{name}, {}", self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_readable_units() {
        let shown = |figure: Figure, value: f64| {
            let unit = figure.unit(value);
            format!("{} {}", unit.show(value), unit.name)
        };
        assert_eq!(shown(Figure::Time, 0.01234), "12.3 ms");
        assert_eq!(shown(Figure::Time, 1.2345), "1.234 s");
        assert_eq!(shown(Figure::Memory, 2048.0), "2.0 MiB");
        assert_eq!(shown(Figure::MinorFaults, 950.0), "950 ");
        assert_eq!(shown(Figure::MinorFaults, 23456.0), "23.46 k");
        assert_eq!(shown(Figure::Counted(Counter::Cycles), 1.5e10), "15.00 G");
    }

    #[test]
    fn has_a_key_of_its_own_for_each() {
        let mut keys: Vec<_> = Figure::all().map(Figure::key).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
