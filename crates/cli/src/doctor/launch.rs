//! Starting the program with the library preloaded, and waiting for its end. Signals reach the program.

use crate::preload;
use crate::signals::{self, not_ignored};
use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// What is run.
pub struct Launch<'a> {
    /// As the user named it.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// What is preloaded, before anything that is preloaded already.
    pub library: &'a Path,
    /// The loader shall write what it binds.
    pub log_bindings: bool,
}

/// How it ended.
pub struct End {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What the kernel says of it and of those of its children that it waited for.
    pub usage: libc::rusage,
    /// From start to end.
    pub wall: Duration,
}

impl Launch<'_> {
    /// The command, with its own standard input, output and error.
    pub fn command(&self, log: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        preload::put_first(&mut command, self.library);
        if self.log_bindings {
            command.env("LD_DEBUG", "bindings").env("LD_DEBUG_OUTPUT", log);
        }
        signals::inherit(&mut command);
        command
    }
}

/// Catches the signals that `wait` deals with. To be called before the program is started: none may end this process then.
///
/// They stay caught. Handlers and `Handle::close` write into a pipe, and that ends this process (SIGPIPE) if its reader is
/// gone: it may be gone as soon as `close` has begun, or between two signals. So the reader lives as long as the process.
pub fn catch_signals() -> Result<&'static mut Signals> {
    let signals = Signals::new(not_ignored(&[SIGINT, SIGQUIT, SIGTERM, SIGHUP])).context("cannot catch signals")?;
    Ok(Box::leak(Box::new(signals)))
}

/// Waits for the child. What a terminal sends (interrupt, quit) reaches the child from there and does not end this process;
/// what is sent to this process alone (terminate, hang up) is passed on.
pub fn wait(child: &Child, start: Instant, signals: &'static mut Signals) -> Result<End> {
    let process = Pid::from_child(child);
    let handle = signals.handle();
    let forwarder = std::thread::Builder::new().spawn(move || {
        for signal in signals {
            let passed_on = match signal {
                SIGTERM => Signal::TERM,
                SIGHUP => Signal::HUP,
                _ => continue,
            };
            // It cannot be gone: it is waited for only after this thread has ended.
            let _ = rustix::process::kill_process(process, passed_on);
        }
    });
    let forwarder = forwarder.context("cannot start a thread")?;
    let ended = rustix::io::retry_on_intr(|| {
        rustix::process::waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
    });
    let wall = start.elapsed();
    handle.close();
    forwarder.join().expect("it does not panic");
    ended.context("cannot wait for the program")?;
    let (status, usage) = reap(process)?;
    Ok(End { status, usage, wall })
}

fn reap(process: Pid) -> Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    // SAFETY: zeros are a valid rusage.
    let mut usage = unsafe { std::mem::zeroed() };
    // SAFETY: both results are ours; the process is our child, and nobody else waits for it.
    let waited = unsafe { libc::wait4(process.as_raw_nonzero().get(), &mut status, 0, &mut usage) };
    if waited < 0 {
        return Err(std::io::Error::last_os_error()).context("cannot wait for the program");
    }
    Ok((ExitStatus::from_raw(status), usage))
}
