//! Starting the program with the library preloaded, and waiting for its end. Signals reach the program.

use crate::descriptors;
use crate::measure::process::{self, Usage};
use crate::preload;
use crate::signals::{self, not_ignored};
use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Instant;

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
    /// What it and those of its children that it waited for took.
    pub usage: Usage,
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
        descriptors::inherit(&mut command);
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
    let id = child.id() as libc::pid_t;
    let handle = signals.handle();
    let forwarder = std::thread::Builder::new().spawn(move || {
        for signal in signals {
            if matches!(signal, SIGTERM | SIGHUP) {
                // SAFETY: no memory is involved; it is our child, which is waited for only after this thread has ended.
                unsafe { libc::kill(id, signal) };
            }
        }
    });
    let forwarder = forwarder.context("cannot start a thread")?;
    let ended = process::look(id, libc::WEXITED);
    let wall = start.elapsed();
    handle.close();
    forwarder.join().expect("it does not panic");
    ended.context("cannot wait for the program")?;
    let (status, usage) = process::reap(id, wall)?;
    Ok(End { status, usage })
}
