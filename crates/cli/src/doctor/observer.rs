//! One run of the program, observed from outside.

use super::bindings::{Bindings, Collector, Rehearsal};
use super::launch::Launch;
use super::observation::{Measured, Observation, Sampled, Threads};
use super::sampling::Sampling;
use crate::binary::{Binary, CLibrary};
use crate::measure::{foreground, machine, trace};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The time between two readings of the program's state.
const INTERVAL: Duration = Duration::from_millis(5);
/// The time after which a state that did not change is taken as the state until the end.
const CERTAIN: Duration = Duration::from_millis(200);
/// The time between two searches for files of loaders.
const COLLECTION: Duration = Duration::from_millis(200);
/// The factor by which the pause is longer than a reading of the huge pages. The kernel walks all pages of a process for it,
/// and holds up its page faults meanwhile; so at most a fiftieth of the time is used.
const PAUSE: u32 = 50;

/// Runs the program, whose standard input, output and error are this command's own.
pub fn run(launch: &Launch, program: &Binary, library: &Binary) -> Result<Observation> {
    let collector = Collector::new(library).context("cannot make a temporary directory")?;
    let glibc = program.c_library == Some(CLibrary::Glibc);
    let rehearsal =
        if glibc { collector.rehearse(program).context("cannot ask the loader")? } else { Rehearsal::default() };
    let sampling = Sampling::open(&library.path);
    let mut command = launch.command(&collector.log());
    let signals = foreground::catch_signals()?;
    let real_path = library.path.canonicalize().with_context(|| format!("cannot read {}", library.path.display()))?;
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {}", launch.program.display()))?;
    let watcher = Watcher {
        process: child.id(),
        library: real_path,
        seen: Seen::default(),
        next_look: start,
        next_collection: start + COLLECTION,
    };
    let observed = std::thread::scope(|scope| {
        let (stop, stopped) = channel();
        let watch = move || watcher.watch(stopped, sampling, collector, rehearsal);
        let thread = std::thread::Builder::new().spawn_scoped(scope, watch).context("cannot start a thread")?;
        let end = foreground::wait(&child, start, signals);
        drop(stop);
        end.map(|end| (end, thread.join().expect("it does not panic")))
    });
    if observed.is_err() {
        // Nobody else waits for it any more.
        let _ = child.kill().and_then(|()| child.wait());
    }
    let (end, (seen, sampled, bindings)) = observed?;
    let bindings = if glibc {
        Measured::Measured(bindings)
    } else {
        Measured::NotMeasured("only glibc's loader says what it binds".to_owned())
    };
    Ok(observation(end, seen, sampled, bindings, library))
}

fn observation(
    end: foreground::End,
    seen: Seen,
    sampled: Result<Sampled, String>,
    bindings: Measured<Bindings>,
    library: &Binary,
) -> Observation {
    let foreground::End { status, usage } = end;
    let threads = match &sampled {
        Ok(sampled) => Threads { most: sampled.threads, counted: true },
        Err(_) => Threads { most: seen.threads.max(1), counted: false },
    };
    Observation {
        library: library.path.clone(),
        xalloc: library.exports.contains("xalloc_version"),
        exit_code: status.code(),
        ended: status.to_string(),
        loaded: loaded(&seen, &sampled),
        names: library.exports.len(),
        bindings,
        threads,
        sampled: sampled.map_or_else(Measured::NotMeasured, Measured::Measured),
        wall: usage.wall,
        user: usage.user,
        system: usage.system,
        peak: usage.rss.unsigned_abs() << 10,
        minor_faults: usage.minor_faults.unsigned_abs(),
        major_faults: usage.major_faults.unsigned_abs(),
        voluntary_switches: usage.voluntary_switches.unsigned_abs(),
        involuntary_switches: usage.involuntary_switches.unsigned_abs(),
        page_size: rustix::param::page_size() as u64,
        huge_pages_setting: machine::huge_pages(),
        huge_pages: seen.huge_pages,
    }
}

/// Returns whether the library was in the program that the process ran last. The kernel's records say so. Without them, /proc
/// was read from time to time, which may be too late, or before the process executes yet another program. Such readings count
/// if they have shown the same for a while.
fn loaded(seen: &Seen, sampled: &Result<Sampled, String>) -> Option<bool> {
    sampled.as_ref().ok().and_then(|sampled| sampled.mapped).or_else(|| {
        let (since, mapped) = seen.mapped_since?;
        (seen.last_look? - since > CERTAIN).then_some(mapped)
    })
}

/// The state that is read from /proc.
#[derive(Default)]
struct Seen {
    threads: u32,
    /// Whether the library is among the mappings of the process, and since when.
    mapped_since: Option<(Instant, bool)>,
    last_look: Option<Instant>,
    huge_pages: Option<u64>,
}

/// A thread that reads the program's state while it runs.
struct Watcher {
    process: u32,
    library: PathBuf,
    seen: Seen,
    next_look: Instant,
    next_collection: Instant,
}

impl Watcher {
    /// Watches until the other end of the channel is dropped.
    fn watch(
        mut self,
        stop: Receiver<()>,
        mut sampling: Result<Sampling, String>,
        mut collector: Collector,
        rehearsal: Rehearsal,
    ) -> (Seen, Result<Sampled, String>, Bindings) {
        while stop.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            match &mut sampling {
                Ok(sampling) => sampling.read(),
                Err(_) => self.look_at_threads(),
            }
            self.look_at_memory();
            if Instant::now() >= self.next_collection {
                collector.collect(|process| !Path::new("/proc").join(process.to_string()).exists());
                self.next_collection = Instant::now() + COLLECTION;
            }
        }
        (self.seen, sampling.map(|sampling| sampling.finish(self.process)), collector.finish(self.process, rehearsal))
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.process.to_string()).join(name)
    }

    fn look_at_threads(&mut self) {
        let threads = std::fs::read_dir(self.file("task")).map_or(0, Iterator::count);
        self.seen.threads = self.seen.threads.max(u32::try_from(threads).unwrap_or(u32::MAX));
    }

    fn look_at_memory(&mut self) {
        let start = Instant::now();
        if start >= self.next_look {
            self.look_at_mappings(start);
            self.look_at_huge_pages();
            self.next_look = Instant::now() + (start.elapsed() * PAUSE).max(4 * INTERVAL);
        }
    }

    fn look_at_mappings(&mut self, now: Instant) {
        let Some(mapped) = trace::maps(self.process as libc::pid_t, &self.library) else { return };
        self.seen.mapped_since = self.seen.mapped_since.filter(|&(_, before)| before == mapped).or(Some((now, mapped)));
        self.seen.last_look = Some(now);
    }

    fn look_at_huge_pages(&mut self) {
        let text = std::fs::read_to_string(self.file("smaps_rollup")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("AnonHugePages:"));
        if let Some(kib) = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()) {
            self.seen.huge_pages = self.seen.huge_pages.max(Some(kib << 10));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_counts_only_if_it_lasted_and_records_always() {
        let start = Instant::now();
        let looked = |mapped: bool, time: Duration| {
            let (mapped_since, last_look) = (Some((start, mapped)), Some(start + time));
            Seen { mapped_since, last_look, ..Seen::default() }
        };
        let none = Err(String::new());
        for mapped in [true, false] {
            assert_eq!(loaded(&looked(mapped, CERTAIN), &none), None);
            assert_eq!(loaded(&looked(mapped, CERTAIN * 2), &none), Some(mapped));
            let recorded = |mapped| Ok(Sampled { mapped, ..Sampled::default() });
            assert_eq!(loaded(&looked(!mapped, CERTAIN * 2), &recorded(Some(mapped))), Some(mapped));
            assert_eq!(loaded(&looked(mapped, CERTAIN), &recorded(None)), None);
        }
        assert_eq!(loaded(&Seen::default(), &none), None);
    }
}
