//! Interrupts from the keyboard: they end what is running, and what was measured is still shown. And Ctrl-Z.

use crate::signals::not_ignored;
use anyhow::{Context, Result};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static WAS_STOPPED: AtomicBool = AtomicBool::new(false);
static WATCHED: Mutex<Vec<libc::pid_t>> = Mutex::new(Vec::new());

/// Makes SIGINT, SIGQUIT, SIGTERM and SIGHUP, except those that are ignored, end the watched process groups instead of this
/// command. Also notes when this command is stopped, for [`was_stopped`].
///
/// # Errors
/// The kernel refuses: signals, or a thread.
pub fn install() -> Result<()> {
    let mut signals =
        Signals::new(not_ignored(&[SIGINT, SIGQUIT, SIGTERM, SIGHUP])).context("cannot handle interrupts")?;
    signal_hook::flag::register(SIGCONT, &WAS_STOPPED).context("cannot handle interrupts")?;
    // The thread runs as long as this command.
    let thread = std::thread::Builder::new().spawn(move || {
        for _ in &mut signals {
            // Relaxed: it is only a flag, and those who read it read nothing else because of it.
            INTERRUPTED.store(true, Ordering::Relaxed);
            for group in watched().iter() {
                // SAFETY: no memory is involved; a group that is watched was not reaped.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
        }
    });
    thread.context("cannot start a thread").map(|_| ())
}

/// Returns whether an interrupt came.
pub fn came() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Returns whether this command was stopped (Ctrl-Z) and continued since the last call of this function.
pub fn was_stopped() -> bool {
    // Relaxed: as above.
    WAS_STOPPED.swap(false, Ordering::Relaxed)
}

/// Makes an interrupt end a process group, for as long as the result lives.
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
