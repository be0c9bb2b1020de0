//! The share of the processor's time that is spent in the library, from samples of the program's position by the kernel's
//! clock.
//!
//! The kernel also reports every mapping, exec, thread and process. So threads are counted and not guessed, and it is known
//! whether the library is in a program, however short it is. An event that follows threads and children must belong to one
//! processor, so there is one event for each, with a buffer of its own. Records in different buffers have no order: where the
//! order matters, they have a time, or only the order of the readings matters.

use super::image::Image;
use super::observation::Sampled;
use perf_event::data::Record;
use perf_event::events::Software;
use perf_event::{Builder, SampleFlag, Sampler};
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The nanoseconds of processor time between two samples. About a hundredth of the program's time is used for taking them.
const PERIOD: u64 = 250_000;
/// The size of each buffer in bytes: as much as users without privileges may lock.
const BUFFER: usize = 256 << 10;
/// The kernel's mark on a record of a process's new name that the process got by an exec (`PERF_RECORD_MISC_COMM_EXEC`).
const BY_EXEC: u16 = 1 << 13;

/// The open events, and what is known from their records.
pub struct Sampling {
    rings: Vec<Sampler>,
    library: PathBuf,
    state: State,
}

/// What is known from the records so far.
#[derive(Default)]
struct State {
    result: Sampled,
    /// The program that each process runs.
    images: HashMap<u32, Image>,
    /// The process from which each one was forked. It has the same mappings until it executes another program.
    parents: HashMap<u32, u32>,
    /// The number of threads of each process.
    alive: HashMap<u32, u32>,
}

impl Sampling {
    /// Opens events for everything that the calling thread will start and that executes a program.
    ///
    /// # Errors
    /// A sentence about why the kernel refuses, and what would change that.
    pub fn open(library: &Path) -> Result<Self, String> {
        // SAFETY: the call has no conditions.
        let processors = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_CONF) };
        let mut rings = Vec::new();
        for processor in 0..usize::try_from(processors).unwrap_or(1) {
            match open_on(processor) {
                Ok(ring) => rings.push(ring),
                // This processor is switched off.
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {}
                Err(error) => return Err(refusal(&error)),
            }
        }
        // The kernel names files by their real paths.
        let library = library.canonicalize().map_err(|error| error.to_string())?;
        Ok(Self { rings, library, state: State::default() })
    }

    /// Reads what the kernel has written since the last call.
    pub fn read(&mut self) {
        let mut samples = Vec::new();
        let mut tasks = Vec::new();
        for ring in &mut self.rings {
            while let Some(record) = ring.next_record() {
                match record.parse_record() {
                    Ok(Record::Sample(sample)) => samples.extend(sample.pid().zip(sample.ip())),
                    Ok(Record::Mmap2(mapping)) => {
                        let is_library = *mapping.filename == *self.library.as_os_str().as_bytes();
                        let code = is_library.then(|| mapping.addr..mapping.addr + mapping.len);
                        self.state.images.entry(mapping.pid).or_default().map(time(&record), code);
                    }
                    Ok(Record::Comm(name)) if record.misc() & BY_EXEC != 0 => {
                        self.state.images.entry(name.pid).or_default().execute(time(&record));
                    }
                    Ok(Record::Fork(fork)) => tasks.push((fork.time, fork.pid, Some(fork.ppid))),
                    Ok(Record::Exit(exit)) => tasks.push((exit.time, exit.pid, None)),
                    Ok(Record::Lost(lost)) => self.state.result.lost += lost.lost,
                    _ => {}
                }
            }
        }
        tasks.sort_unstable_by_key(|task| task.0);
        tasks.into_iter().for_each(|(_, process, parent)| self.state.task(process, parent));
        samples.into_iter().for_each(|(process, position)| self.state.sample(process, position));
    }

    /// Returns the result. `process` is the first process.
    pub fn finish(mut self, process: u32) -> Sampled {
        self.read();
        let Sampled { threads, processes, lost, .. } = self.state.result;
        let image = self.state.images.get(&process).filter(|_| lost == 0);
        let mapped = image.and_then(Image::has_library);
        Sampled { threads: threads.max(1), processes: processes + 1, mapped, ..self.state.result }
    }
}

impl State {
    /// Notes that a thread or process began, as a child of `parent`, or ended.
    fn task(&mut self, process: u32, parent: Option<u32>) {
        match parent {
            Some(parent) if parent != process => {
                self.parents.insert(process, parent);
                self.alive.insert(process, 1);
                self.result.processes += 1;
            }
            Some(_) => {
                let alive = self.alive.entry(process).or_insert(1);
                *alive += 1;
                self.result.threads = self.result.threads.max(*alive);
            }
            None => {
                let alive = self.alive.entry(process).or_insert(1);
                *alive = alive.saturating_sub(1);
            }
        }
    }

    fn sample(&mut self, process: u32, position: u64) {
        self.result.samples += 1;
        let mut process = process;
        // The kernel uses numbers of processes again, so this could go round in a circle.
        for _ in 0..=self.parents.len() {
            let image = self.images.get(&process);
            if image.is_some_and(|image| image.is_inside(position)) {
                self.result.inside += 1;
                return;
            }
            match self.parents.get(&process) {
                Some(parent) if !image.is_some_and(Image::is_its_own) => process = *parent,
                _ => return,
            }
        }
    }
}

fn open_on(processor: usize) -> std::io::Result<Sampler> {
    let mut builder = Builder::new(Software::TASK_CLOCK);
    builder.observe_self().one_cpu(processor).inherit(true).enable_on_exec(true);
    builder.sample_period(PERIOD).sample(SampleFlag::IP | SampleFlag::TID | SampleFlag::TIME);
    builder.mmap(true).mmap2(true).comm(true).comm_exec(true).task(true).sample_id_all(true);
    builder.exclude_kernel(true).exclude_hv(true);
    builder.build()?.sampled(BUFFER)
}

/// Returns when a record was written. With the options of `open_on`, the time is at the end of every record except samples.
fn time(record: &perf_event::Record<'_>) -> u64 {
    record.to_contiguous().last_chunk().copied().map_or(0, u64::from_ne_bytes)
}

fn refusal(error: &std::io::Error) -> String {
    let setting = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    match (error.raw_os_error(), setting.trim().parse::<i32>()) {
        (Some(libc::EACCES | libc::EPERM), Ok(level)) if level > 2 => {
            format!("the kernel does not allow sampling; sysctl kernel.perf_event_paranoid=2 would (it is {level})")
        }
        (Some(libc::EACCES | libc::EPERM), _) => {
            "the kernel does not allow sampling here; a container's seccomp profile must let perf_event_open through"
                .to_owned()
        }
        (Some(libc::ENOSYS), _) => "this kernel was built without perf events".to_owned(),
        _ => format!("sampling cannot be set up: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_most_threads_of_one_process() {
        let mut state = State::default();
        state.task(1, Some(1));
        state.task(1, Some(1));
        state.task(1, None);
        state.task(1, Some(1));
        state.task(2, Some(1));
        state.task(2, Some(2));
        assert_eq!((state.result.threads, state.result.processes), (3, 1));
    }

    #[test]
    fn a_forked_process_has_its_parents_mappings() {
        let mut state = State::default();
        state.images.entry(1).or_default().map(1, Some(100..200));
        state.task(2, Some(1));
        state.task(3, Some(2));
        state.sample(3, 150);
        state.sample(3, 250);
        state.sample(9, 150);
        assert_eq!((state.result.samples, state.result.inside), (3, 1));
        state.images.entry(3).or_default().execute(2);
        state.sample(3, 150);
        assert_eq!((state.result.samples, state.result.inside), (4, 1));
    }
}
