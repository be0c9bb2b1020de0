//! The processor's counters, for machines and users that have them.

use perf_event::events::{Cache, CacheId, CacheOp, CacheResult, Event, Hardware};
use perf_event::{Builder, Counter as Opened};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// A number that a processor counts in user mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Instructions that were completed.
    Instructions,
    /// Clock cycles.
    Cycles,
    /// Accesses to memory that was in no cache.
    CacheMisses,
    /// Reads whose address translation was not in the processor's buffer.
    TlbMisses,
    /// Branches that were predicted wrong.
    BranchMisses,
}

impl Counter {
    /// All counters.
    pub const ALL: [Self; 5] =
        [Self::Instructions, Self::Cycles, Self::CacheMisses, Self::TlbMisses, Self::BranchMisses];

    fn open(self) -> std::io::Result<Opened> {
        match self {
            Self::Instructions => open(Hardware::INSTRUCTIONS),
            Self::Cycles => open(Hardware::CPU_CYCLES),
            Self::CacheMisses => open(Hardware::CACHE_MISSES),
            Self::TlbMisses => {
                open(Cache { which: CacheId::DTLB, operation: CacheOp::READ, result: CacheResult::MISS })
            }
            Self::BranchMisses => open(Hardware::BRANCH_MISSES),
        }
    }

    /// Returns why no counter can be read here, if so, from the kernel's answer to the most common one.
    pub fn obstacle() -> Option<String> {
        if Self::ALL.iter().any(|counter| counter.open().is_ok()) {
            return None;
        }
        let error = Self::Instructions.open().err()?;
        Some(match error.kind() {
            ErrorKind::NotFound => "this machine, real or virtual, does not have them".to_owned(),
            ErrorKind::PermissionDenied => "not permitted (see /proc/sys/kernel/perf_event_paranoid)".to_owned(),
            _ => error.to_string(),
        })
    }
}

/// Counters that every process inherits which this thread starts. They count from the process's exec on.
///
/// They are opened on this thread itself, where they never count, because it does not exec. So nothing is lost between the
/// start of the child and the opening. The thread may end before the process does.
pub struct Counters<K = Counter>(Vec<(K, Opened)>);

impl Counters {
    /// Opens the counters that this machine has.
    pub fn open() -> Self {
        Self(Counter::ALL.iter().filter_map(|&counter| Some((counter, counter.open().ok()?))).collect())
    }

    /// Returns no counters.
    pub fn none() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord> Counters<K> {
    /// Returns what was counted in processes that have ended. If the processor had to share its few counters among more of
    /// them, the counted part is scaled up.
    pub fn read(self) -> BTreeMap<K, f64> {
        self.0.into_iter().filter_map(|(name, mut counter)| Some((name, scaled(&mut counter)?))).collect()
    }
}

fn open(event: impl Event) -> std::io::Result<Opened> {
    Builder::new(event).inherit(true).enable_on_exec(true).build()
}

fn scaled(counter: &mut Opened) -> Option<f64> {
    let counted = counter.read_count_and_time().ok()?;
    (counted.time_running > 0)
        .then(|| counted.count as f64 * (counted.time_enabled as f64 / counted.time_running as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use perf_event::events::Software;
    use std::process::Command;

    /// The kernel's own counter of page faults is there also where the processor's are not.
    #[test]
    fn counts_what_its_thread_started_from_the_exec_on_and_nothing_else() {
        let run = |script: &str| {
            std::thread::scope(|scope| {
                let spawn = || {
                    let counters = Counters(vec![("faults", open(Software::PAGE_FAULTS).ok()?)]);
                    Some((counters, Command::new("sh").args(["-c", script]).spawn().unwrap()))
                };
                scope.spawn(spawn).join().unwrap()
            })
        };
        let Some((idle, mut sleeping)) = run("read nothing < /dev/null; exec sleep 0.2") else {
            eprintln!("skipped: perf_event_open is not permitted here");
            return;
        };
        // Many times more than the one that sleeps, while its counter is open.
        let (busy, mut working) = run("for i in 1 2 3 4 5 6 7 8 9; do sh -c true; done").unwrap();
        assert!(working.wait().unwrap().success() && sleeping.wait().unwrap().success());
        let (idle, busy) = (idle.read()["faults"], busy.read()["faults"]);
        assert!(idle > 10.0 && busy > 3.0 * idle, "{idle} {busy}");
    }
}
