//! One run of one workload: a fresh process, and what the kernel says of it and its children when it is over.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A script that cannot run here exits with this, as those of Automake do.
const SKIPPED: i32 = 77;
/// A workload is over in seconds.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// What one run took.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// Seconds: the workload's own timing if it has one, otherwise the whole process's.
    pub time: f64,
    /// Seconds from start to end of the process.
    pub wall: f64,
    /// Seconds of processor time, in user and kernel mode.
    pub cpu: f64,
    /// The largest resident set of the process or one of its children, in KiB.
    pub rss: i64,
    /// Page faults that needed no disk.
    pub faults: i64,
    /// Times that it waited for something.
    pub switches: i64,
    /// What else the workload said of itself.
    pub notes: Vec<(String, String)>,
}

/// How a run ended.
pub enum Outcome {
    /// Well.
    Done(Measurement),
    /// It cannot run here, for this reason.
    Skipped(String),
    /// Badly.
    Failed(String),
}

/// Runs the command and waits for it.
pub fn run(mut command: Command) -> Result<Outcome> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: the closure does nothing. With one, the child is forked instead of sharing this process's memory until it is
    // another program; so the largest set that the kernel counts for it begins with this process's anonymous pages only,
    // a few hundred KiB, and not with all of it.
    unsafe { command.pre_exec(|| Ok(())) };
    // A group of its own, so that whatever it started can be ended with it.
    command.process_group(0);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    let (mut stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| text)
    });
    let output = std::thread::spawn(move || {
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).map(|_| text)
    });
    let Some((status, usage)) = wait(child.id() as libc::pid_t, start)? else {
        return Ok(Outcome::Failed(format!("not over after {} s", TIME_LIMIT.as_secs())));
    };
    let wall = start.elapsed().as_secs_f64();
    let text = |thread: std::thread::JoinHandle<std::io::Result<Vec<u8>>>| -> Result<String> {
        let bytes = thread.join().expect("reading does not panic").context("cannot read the workload's output")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (output, errors) = (text(output)?, text(errors)?);
    if status.code() == Some(SKIPPED) {
        return Ok(Outcome::Skipped(errors.trim().to_owned()));
    }
    if !status.success() {
        let last = errors.lines().last().unwrap_or("no message").to_owned();
        return Ok(Outcome::Failed(format!("{status}: {last}")));
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let own = output.lines().find_map(|line| line.strip_prefix("time: ")?.parse().ok());
    let note = |line: &str| {
        let (name, value) = line.strip_prefix("note: ")?.split_once(' ')?;
        Some((name.to_owned(), value.to_owned()))
    };
    Ok(Outcome::Done(Measurement {
        time: own.unwrap_or(wall),
        wall,
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        rss: usage.ru_maxrss,
        faults: usage.ru_minflt,
        switches: usage.ru_nvcsw,
        notes: output.lines().filter_map(note).collect(),
    }))
}

/// Waits for the process, which was started at `start`; ends its group and returns nothing if it takes too long.
fn wait(process: libc::pid_t, start: Instant) -> Result<Option<(ExitStatus, libc::rusage)>> {
    let alarm = Alarm::set(process, start + TIME_LIMIT);
    let mut status = 0;
    // SAFETY: zeros are a valid rusage.
    let mut usage = unsafe { std::mem::zeroed() };
    // SAFETY: both results are ours; the process is our child, and nobody else waits for it.
    let waited = unsafe { libc::wait4(process, &mut status, 0, &mut usage) };
    if alarm.went_off() {
        return Ok(None);
    }
    if waited != process {
        return Err(std::io::Error::last_os_error()).context("cannot wait for the workload");
    }
    Ok(Some((ExitStatus::from_raw(status), usage)))
}

/// A thread that kills a process group when its time is over.
struct Alarm(std::sync::mpsc::Sender<()>, std::thread::JoinHandle<bool>);

impl Alarm {
    fn set(group: libc::pid_t, at: Instant) -> Self {
        let (cancel, cancelled) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let left = at.saturating_duration_since(Instant::now());
            let late = cancelled.recv_timeout(left) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if late {
                // SAFETY: no memory is involved; the group is our child's, which was not waited for yet.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
            late
        });
        Self(cancel, thread)
    }

    fn went_off(self) -> bool {
        drop(self.0);
        self.1.join().expect("it does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command).unwrap()
    }

    #[test]
    fn reads_what_the_workload_says() {
        let Outcome::Done(measured) = shell("echo time: 0.25; echo note: p50_us 12; echo else") else { panic!() };
        assert_eq!(measured.time, 0.25);
        assert_eq!(measured.notes, [("p50_us".to_owned(), "12".to_owned())]);
        assert!(measured.wall > 0.0 && measured.rss > 0 && measured.faults > 0);
    }

    #[test]
    fn tells_failure_from_skipping() {
        assert!(matches!(shell("echo no >&2; exit 3"), Outcome::Failed(why) if why.ends_with(": no")));
        assert!(matches!(shell("echo not here >&2; exit 77"), Outcome::Skipped(why) if why == "not here"));
        assert!(matches!(shell("kill -SEGV $$"), Outcome::Failed(_)));
    }
}
