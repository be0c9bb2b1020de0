//! The signals that may be caught, and how a program is started with those that this command was started with.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether SIGPIPE was ignored when this process began. Rust's start-up always ignores it.
static BROKEN_PIPES_IGNORED: AtomicBool = AtomicBool::new(false);

/// Notes whether it was. Runs before `main`, and before Rust's own start-up.
#[ctor::ctor(unsafe)]
fn remember_broken_pipes() {
    // Relaxed: there is no other thread yet.
    BROKEN_PIPES_IGNORED.store(is_ignored(libc::SIGPIPE), Ordering::Relaxed);
}

/// Makes the program start with the same blocked and ignored signals as this command. `Command` alone would unblock all of them
/// and no longer ignore SIGPIPE, which would end a program whose starter ignored it on purpose.
///
/// The child is then forked, and does not share this process's memory until it runs the program. So the largest resident set
/// that the kernel counts for it includes only this process's anonymous pages, a few hundred KiB, and not all of its memory.
pub fn inherit(command: &mut Command) {
    let mut blocked = MaybeUninit::uninit();
    // SAFETY: with no new set, nothing is changed; the old one is written to memory of that type.
    let known = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), blocked.as_mut_ptr()) } == 0;
    // Relaxed: written before there were threads.
    let ignored = BROKEN_PIPES_IGNORED.load(Ordering::Relaxed);
    let restore = move || {
        if known {
            // SAFETY: the set was written, as the call above said.
            unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, blocked.as_ptr(), std::ptr::null_mut()) };
        }
        if ignored {
            // SAFETY: no handler of anybody is involved: the process is about to become another program.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        }
        Ok(())
    };
    // SAFETY: both calls may be made between fork and exec.
    unsafe { command.pre_exec(restore) };
}

/// Returns those of `signals` that are not ignored. Whoever starts this command with ignored signals (`nohup`) wants them to
/// stay so.
#[cfg(target_os = "linux")]
pub fn not_ignored(signals: &[c_int]) -> Vec<c_int> {
    signals.iter().copied().filter(|&signal| !is_ignored(signal)).collect()
}

fn is_ignored(signal: c_int) -> bool {
    // SAFETY: zeros are a valid sigaction, which the call fills in; nothing is changed.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let asked = unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) };
    asked == 0 && action.sa_sigaction == libc::SIG_IGN
}
