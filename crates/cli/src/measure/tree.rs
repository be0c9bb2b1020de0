//! The memory of a process and all that it started: the sum of their proportional set sizes, in which a page that several
//! processes share counts once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The least time between two readings. For each, the kernel goes through all pages of each process.
const EVERY: Duration = Duration::from_millis(50);
/// How many times longer than a reading the pause after it is at least, where processes are large.
const RESTRAINT: u32 = 19;

/// Returns the memory of `root`, of its descendants and of all processes in its group, in KiB. `None` if the kernel says it of
/// none of them. Processes of other users, which cannot be read, are left out.
pub fn memory(root: libc::pid_t) -> Option<u64> {
    let parents = parents();
    let belongs = |process: libc::pid_t| {
        let mut at = process;
        // A chain longer than the number of processes is a circle, read while processes ended and others began.
        for _ in 0..parents.len() {
            match parents.get(&at) {
                Some(&(_, group)) if at == root || group == root => return true,
                Some(&(parent, _)) => at = parent,
                None => return false,
            }
        }
        false
    };
    let sizes = parents.keys().filter(|&&process| belongs(process)).filter_map(|&process| proportional(process));
    sizes.fold(None, |sum, size| Some(sum.unwrap_or(0) + size))
}

/// Returns the parent and the process group of every process.
fn parents() -> HashMap<libc::pid_t, (libc::pid_t, libc::pid_t)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.filter_map(|process: libc::pid_t| Some((process, relations(process)?))).collect()
}

fn relations(process: libc::pid_t) -> Option<(libc::pid_t, libc::pid_t)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may contain any characters.
    let mut words = text.rsplit_once(')')?.1.split_whitespace().skip(1);
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// Returns why the memory of no process can be read here, if so, from the kernel's answer for this one.
pub fn obstacle() -> Option<String> {
    let path = "/proc/self/smaps_rollup";
    std::fs::read(path).err().map(|error| format!("cannot read {path}: {error}"))
}

fn proportional(process: libc::pid_t) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A thread that repeatedly reads the memory of a process and all that it started.
pub struct Watch {
    most: Arc<Mutex<Option<u64>>>,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Starts the thread.
    ///
    /// # Errors
    /// The kernel refuses the thread.
    pub fn start(root: libc::pid_t) -> std::io::Result<Self> {
        let (most, is_over) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (most, is_over) = (most.clone(), is_over.clone());
            // Relaxed: it only determines when the thread ends.
            std::thread::Builder::new().spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    let now = memory(root);
                    let mut most = most.lock().expect("nobody panics with it");
                    *most = now.max(*most);
                    drop(most);
                    std::thread::park_timeout(EVERY.max(start.elapsed() * RESTRAINT));
                }
            })?
        };
        Ok(Self { most, is_over, thread })
    }

    /// Ends the thread. Returns the largest memory that it read, in KiB.
    pub fn most(self) -> Option<u64> {
        // Relaxed: as above.
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().ok()?;
        *self.most.lock().expect("nobody panics with it")
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_a_process_starts_is_counted() {
        let script = "sleep 100 & sleep 100 & wait";
        let mut shell = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
        let root = shell.id().cast_signed();
        let children = || parents().values().filter(|&&(parent, _)| parent == root).count();
        while children() < 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let alone = proportional(root).expect("its own process");
        let all = memory(root).expect("its own processes");
        let watched = {
            let watch = Watch::start(root).expect("a thread");
            std::thread::sleep(EVERY);
            watch.most().expect("its own processes")
        };
        for (&process, _) in parents().iter().filter(|(_, relations)| relations.0 == root) {
            // SAFETY: a signal to processes that this test's shell started, which has not waited for them.
            unsafe { libc::kill(process, libc::SIGKILL) };
        }
        shell.wait().expect("it ends");
        assert!(all > alone && watched > alone, "{alone} KiB, with its children {all}, {watched}");
        assert_eq!(memory(root), None);
    }
}
