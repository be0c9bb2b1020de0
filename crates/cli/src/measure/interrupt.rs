//! Interrupts from the keyboard: what is running is ended, and what was measured is still shown. And Ctrl-Z.

use crate::signals::not_ignored;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static WAS_STOPPED: AtomicBool = AtomicBool::new(false);
static WATCHED: Mutex<Vec<libc::pid_t>> = Mutex::new(Vec::new());

/// From now on SIGINT, SIGQUIT, SIGTERM and SIGHUP, but for those that are ignored, end the watched process groups instead of
/// this command; and [`was_stopped`] knows.
///
/// # Errors
/// The kernel refuses: signals, or a thread.
pub fn install() -> Result<()> {
    let mut signals =
        Signals::new(not_ignored(&[SIGINT, SIGQUIT, SIGTERM, SIGHUP])).context("cannot handle interrupts")?;
    signal_hook::flag::register(SIGCONT, &WAS_STOPPED).context("cannot handle interrupts")?;
    // As long as this command lives.
    let thread = std::thread::Builder::new().spawn(move || {
        for _ in &mut signals {
            // Relaxed: it is only a flag; what it tells to stop looks at nothing else.
            INTERRUPTED.store(true, Ordering::Relaxed);
            for group in watched().iter() {
                // SAFETY: no memory is involved; a group that is watched was not reaped.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
        }
    });
    thread.context("cannot start a thread").map(|_| ())
}

/// Whether one came.
pub fn came() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Whether this command was stopped (Ctrl-Z) and goes on, since this was asked last.
pub fn was_stopped() -> bool {
    // Relaxed: as above.
    WAS_STOPPED.swap(false, Ordering::Relaxed)
}

/// Has a process group ended by an interrupt, for as long as the result lives.
pub fn watch(group: libc::pid_t) -> Watched {
    watched().push(group);
    if came() {
        // SAFETY: no memory is involved; the group is our child's.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
    Watched(group)
}

/// A process group that an interrupt ends.
pub struct Watched(libc::pid_t);

impl Drop for Watched {
    fn drop(&mut self) {
        watched().retain(|&group| group != self.0);
    }
}

fn watched() -> MutexGuard<'static, Vec<libc::pid_t>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}
