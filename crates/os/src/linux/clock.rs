//! The kernel's clocks.

use super::{syscall, vdso};

/// Returns the nanoseconds since an arbitrary moment. It never goes back.
pub fn nanoseconds() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// Returns the same as of the kernel's last tick, which costs less.
pub fn coarse_nanoseconds() -> u64 {
    clock(libc::CLOCK_MONOTONIC_COARSE)
}

/// Returns the time of the clock `id` in nanoseconds; 0 if there is no such clock.
fn clock(id: i32) -> u64 {
    // On a machine without a vDSO, libc's clock is a system call too, so a filter made there allows it.
    let Some(read) = vdso::clock() else { return in_nanoseconds(&syscall::clock_get_time(id)) };
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one timespec is written.
    unsafe { read(id, &mut time) };
    in_nanoseconds(&time)
}

fn in_nanoseconds(time: &libc::timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
