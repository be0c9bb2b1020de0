//! The standard descriptors that were closed when this command began. Rust's start-up opens /dev/null for them.

use std::ffi::c_int;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: [AtomicBool; 3] = [const { AtomicBool::new(false) }; 3];

/// Notes which are closed. Runs before `main`, and before Rust's own start-up.
#[ctor::ctor(unsafe)]
fn remember_closed() {
    for (descriptor, closed) in (0..).zip(&CLOSED) {
        // SAFETY: no memory is involved, and nothing is changed.
        let answer = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
        // Relaxed: there is no other thread yet.
        closed.store(answer == -1, Ordering::Relaxed);
    }
}

/// Returns whether this descriptor, of 0 to 2, was closed.
pub fn was_closed(descriptor: c_int) -> bool {
    // Relaxed: written before there were threads.
    usize::try_from(descriptor).is_ok_and(|index| CLOSED[index].load(Ordering::Relaxed))
}

/// Makes a program, which gets this command's own descriptors, start with the same ones closed.
pub fn inherit(command: &mut Command) {
    let close = || {
        for descriptor in (0..=2).filter(|&descriptor| was_closed(descriptor)) {
            // SAFETY: it is /dev/null, opened by Rust's start-up; the process is about to become another program.
            unsafe { libc::close(descriptor) };
        }
        Ok(())
    };
    // SAFETY: close may be called between fork and exec, and atomic variables may be read.
    unsafe { command.pre_exec(close) };
}
