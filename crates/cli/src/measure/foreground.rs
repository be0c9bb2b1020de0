//! A program that has this command's own standard input, output and error: signals reach it.

use super::process::{self, Usage};
use crate::signals::not_ignored;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::process::{Child, ExitStatus};
use std::time::Instant;

/// The end of the program.
pub struct End {
    /// The exit code or signal.
    pub status: ExitStatus,
    /// The resources that it and the children for which it waited used.
    pub usage: Usage,
}

/// Catches the signals that `wait` handles. Must be called before the program is started, because from then on none may end
/// this process.
///
/// They stay caught. Handlers and `Handle::close` write to a pipe, and if its reader does not exist, that ends this process
/// (SIGPIPE). The reader may be gone as soon as `close` has begun, or between two signals. So the reader lives as long as the
/// process.
pub fn catch_signals() -> Result<&'static mut Signals> {
    let signals = Signals::new(not_ignored(&[SIGINT, SIGQUIT, SIGTERM, SIGHUP])).context("cannot catch signals")?;
    Ok(Box::leak(Box::new(signals)))
}

/// Waits for the child. Signals from a terminal (interrupt, quit) reach the child directly and do not end this process; signals
/// to this process alone (terminate, hang up) are passed on.
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
