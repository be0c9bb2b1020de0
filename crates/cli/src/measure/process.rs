//! One process: it is started in a group of its own and waited for; then the kernel says what it and its children used.

use super::counters::{Counter, Counters};
use super::interrupt::{self, Watched};
use crate::signals;
use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How many bytes of the end of its standard error are kept.
const TAIL: u64 = 1 << 16;

/// The resources that a process used.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of processor time in user mode.
    pub user: f64,
    /// Seconds of processor time in kernel mode.
    pub system: f64,
    /// The largest resident set of the process or one of its children, in KiB.
    pub rss: i64,
    /// The number of page faults that needed no disk.
    pub minor_faults: i64,
    /// The number of page faults that needed the disk.
    pub major_faults: i64,
    /// The number of times that it waited for something.
    pub voluntary_switches: i64,
    /// The number of times that the kernel took the processor away from it.
    pub involuntary_switches: i64,
}

impl Usage {
    /// Returns what the kernel counted, and the time that was measured here.
    fn new(wall: Duration, usage: &libc::rusage) -> Self {
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        Self {
            wall: wall.as_secs_f64(),
            user: seconds(usage.ru_utime),
            system: seconds(usage.ru_stime),
            rss: usage.ru_maxrss,
            minor_faults: usage.ru_minflt,
            major_faults: usage.ru_majflt,
            voluntary_switches: usage.ru_nvcsw,
            involuntary_switches: usage.ru_nivcsw,
        }
    }
}

/// Where a program's standard output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// To nowhere.
    Discard,
    /// To this command's own standard output.
    Inherit,
    /// To [`Finished::output`].
    #[value(skip)]
    Keep,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended; `None` if its time was over.
    pub status: Option<ExitStatus>,
    /// The resources that it used.
    pub usage: Usage,
    /// What the processor counted, where it does.
    pub counts: BTreeMap<Counter, f64>,
    /// Its standard output, if that was kept.
    pub output: String,
    /// The end of its standard error.
    pub errors: String,
}

impl Finished {
    /// Returns what the loader printed if it left out a library that LD_PRELOAD names.
    pub fn left_out(&self) -> Option<&str> {
        let line = self.errors.lines().find(|line| line.contains("ld.so: object") && line.contains("LD_PRELOAD"));
        line.map(|line| line.trim_start_matches("ERROR: "))
    }
}

/// A process that was started and not yet waited for.
pub struct Process {
    child: Child,
    start: Instant,
    alarm: Option<Alarm>,
    watched: Option<Watched>,
    counters: Counters,
    output: Option<File>,
    errors: File,
}

/// The reason why a process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Unstarted {
    /// The kernel refused the program.
    #[error("cannot run '{}': {error}", .program.display())]
    Program { program: OsString, error: std::io::Error },
    /// There is no place for what the program writes.
    #[error("cannot make a temporary file in {} (TMPDIR names another directory): {error}", std::env::temp_dir().display())]
    File { error: std::io::Error },
    /// There is no thread for the work that is done beside it.
    #[error("cannot start a thread: {error}")]
    Thread { error: std::io::Error },
}

/// Starts the command. Its standard error goes to a file without a name. Unlike with a pipe, the program never waits for a
/// reader, and the file has an end even if some daemon keeps it open.
///
/// # Errors
/// The program does not exist or cannot be executed, or there is no room for temporary files.
pub fn start(command: Command, output: Output, limit: Option<Duration>) -> Result<Process, Unstarted> {
    begin(command, output, limit, |command| {
        let spawn = || {
            let counters = Counters::open();
            spawn(command, counters)
        };
        // The threads of a process inherit counters from the thread that starts it. This thread starts the program and nothing
        // else.
        std::thread::scope(|scope| {
            let thread =
                std::thread::Builder::new().spawn_scoped(scope, spawn).map_err(|error| Unstarted::Thread { error })?;
            thread.join().expect("it does not panic")
        })
    })
}

/// Starts the command like [`start`], but without counters and from the calling thread, which alone can then follow the
/// program.
///
/// # Errors
/// Those of [`start`].
pub fn start_to_follow(command: Command, output: Output, limit: Option<Duration>) -> Result<Process, Unstarted> {
    begin(command, output, limit, |command| spawn(command, Counters::none()))
}

fn begin(
    mut command: Command,
    output: Output,
    limit: Option<Duration>,
    spawn: impl FnOnce(Command) -> Result<(Instant, Child, Counters), Unstarted>,
) -> Result<Process, Unstarted> {
    let errors = tempfile::tempfile().map_err(|error| Unstarted::File { error })?;
    let kept =
        (output == Output::Keep).then(tempfile::tempfile).transpose().map_err(|error| Unstarted::File { error })?;
    command.stderr(errors.try_clone().map_err(|error| Unstarted::File { error })?).stdout(match &kept {
        Some(file) => Stdio::from(file.try_clone().map_err(|error| Unstarted::File { error })?),
        None if output == Output::Inherit => Stdio::inherit(),
        None => Stdio::null(),
    });
    signals::inherit(&mut command);
    // It has a group of its own, so that whatever it starts can be ended with it.
    command.process_group(0);
    // This comes before the process: a failure after its start would leave it running.
    let alarm = limit.map(|_| Alarm::new()).transpose().map_err(|error| Unstarted::Thread { error })?;
    let (start, child, counters) = spawn(command)?;
    if let Some((alarm, limit)) = alarm.as_ref().zip(limit) {
        alarm.set(child.id() as libc::pid_t, start + limit);
    }
    Ok(Process { child, start, alarm, watched: None, counters, output: kept, errors })
}

fn spawn(mut command: Command, counters: Counters) -> Result<(Instant, Child, Counters), Unstarted> {
    let start = Instant::now();
    match command.spawn() {
        Ok(child) => Ok((start, child, counters)),
        Err(error) => Err(Unstarted::Program { program: command.get_program().to_owned(), error }),
    }
}

impl Process {
    /// Returns its number, which is also its group's.
    pub fn id(&self) -> libc::pid_t {
        self.child.id() as libc::pid_t
    }

    /// Makes an interrupt from the keyboard end it, from now on.
    pub fn end_on_interrupt(&mut self) {
        self.watched = Some(interrupt::watch(self.id()));
    }

    /// Returns whether it has ended.
    pub fn has_ended(&self) -> bool {
        // SAFETY: what `look` returns is a child's siginfo, or zeros.
        look(self.id(), libc::WEXITED | libc::WNOHANG).is_ok_and(|information| unsafe { information.si_pid() } != 0)
    }

    /// Sends a signal to it, and not to its group.
    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: no memory is involved; the process is our child, not waited for yet, so the number is still its own.
        unsafe { libc::kill(self.id(), signal) };
    }

    /// Waits for it, then ends what is left of its group.
    ///
    /// # Errors
    /// The kernel does not say how it ended, or what it wrote cannot be read.
    pub fn wait(mut self) -> Result<Finished> {
        let process = self.id();
        // A failure is returned again, with its message, when the process is reaped.
        let _ = look(process, libc::WEXITED);
        let wall = self.start.elapsed();
        let is_late = self.alarm.take().is_some_and(Alarm::went_off);
        // SAFETY: no memory is involved; the process was not reaped, so its number is still its group's.
        unsafe { libc::kill(-process, libc::SIGKILL) };
        drop(self.watched.take());
        let (status, usage) = reap(process, wall)?;
        Ok(Finished {
            status: (!is_late).then_some(status),
            usage,
            counts: self.counters.read(),
            output: self.output.map_or(Ok(String::new()), |file| text(file, u64::MAX))?,
            errors: text(self.errors, TAIL)?,
        })
    }
}

/// Returns what `waitid` says of a child. The child is not reaped by that: its number stays its own.
///
/// # Errors
/// There is no such child.
pub fn look(process: libc::pid_t, options: libc::c_int) -> std::io::Result<libc::siginfo_t> {
    loop {
        // SAFETY: zeros are a valid siginfo, which the call fills in.
        let mut information: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = options | libc::WNOWAIT;
        // SAFETY: as above; nothing else is written to.
        if unsafe { libc::waitid(libc::P_PID, process as libc::id_t, &mut information, options) } == 0 {
            return Ok(information);
        }
        let error = std::io::Error::last_os_error();
        if error.kind() != std::io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Waits for the end of a child that took `wall`. Returns how it ended, and what else it used. From then on its number may
/// belong to another process.
///
/// # Errors
/// There is no such child.
pub fn reap(process: libc::pid_t, wall: Duration) -> Result<(ExitStatus, Usage)> {
    let mut status = 0;
    // SAFETY: zeros are a valid rusage.
    let mut usage = unsafe { std::mem::zeroed() };
    // SAFETY: both results are ours; the process is our child, and nobody else waits for it.
    if unsafe { libc::wait4(process, &mut status, 0, &mut usage) } != process {
        return Err(std::io::Error::last_os_error()).context("cannot wait for the program");
    }
    Ok((ExitStatus::from_raw(status), Usage::new(wall, &usage)))
}

/// Returns the last `length` bytes of a file.
fn text(mut file: File, length: u64) -> Result<String> {
    let mut bytes = Vec::new();
    let end = file.seek(SeekFrom::End(0)).context("cannot read what the program wrote")?;
    file.seek(SeekFrom::Start(end.saturating_sub(length))).context("cannot read what the program wrote")?;
    file.read_to_end(&mut bytes).context("cannot read what the program wrote")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A thread that kills a process group when its time is over.
struct Alarm(Sender<(libc::pid_t, Instant)>, JoinHandle<bool>);

impl Alarm {
    /// Returns one for a process that is still to be started.
    fn new() -> std::io::Result<Self> {
        let (setting, set) = channel();
        let thread = std::thread::Builder::new().spawn(move || {
            let Ok((group, at)): Result<(libc::pid_t, Instant), _> = set.recv() else { return false };
            let left = at.saturating_duration_since(Instant::now());
            let is_late = set.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
            if is_late {
                // SAFETY: no memory is involved; the group is our child's, which is not reaped before this thread ends.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
            is_late
        });
        Ok(Self(setting, thread?))
    }

    fn set(&self, group: libc::pid_t, at: Instant) {
        self.0.send((group, at)).expect("it waits for that");
    }

    fn went_off(self) -> bool {
        drop(self.0);
        self.1.join().expect("it does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn keeps_what_was_written_and_measured() {
        let process = start(shell("echo out; echo err >&2; exit 3"), Output::Keep, None).unwrap();
        let finished = process.wait().unwrap();
        assert_eq!(finished.status.unwrap().code(), Some(3));
        assert_eq!((finished.output.as_str(), finished.errors.as_str()), ("out\n", "err\n"));
        assert!(finished.usage.wall > 0.0 && finished.usage.rss > 0 && finished.usage.minor_faults > 0);
    }

    #[test]
    fn ends_what_takes_too_long_and_what_is_left_behind() {
        let limit = Some(Duration::from_millis(50));
        let process = start(shell("sleep 60"), Output::Discard, limit).unwrap();
        assert!(process.wait().unwrap().status.is_none());
        let process = start(shell("sleep 60 & echo $!"), Output::Keep, None).unwrap();
        let left: libc::pid_t = process.wait().unwrap().output.trim().parse().unwrap();
        let is_there = || std::fs::read_to_string(format!("/proc/{left}/stat")).is_ok_and(|stat| !stat.contains(") Z"));
        while is_there() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn tells_whether_it_is_over() {
        let process = start(shell("sleep 60"), Output::Discard, None).unwrap();
        assert!(!process.has_ended());
        process.signal(libc::SIGTERM);
        assert_eq!(process.wait().unwrap().status.unwrap().signal(), Some(libc::SIGTERM));
    }
}
