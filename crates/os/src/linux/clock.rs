//! The kernel's clocks.

use super::{syscall, vdso};

/// Nanoseconds since an arbitrary moment, only forwards.
pub fn nanoseconds() -> u64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// The same as of the kernel's last tick, which costs less.
pub fn coarse_nanoseconds() -> u64 {
    clock(libc::CLOCK_MONOTONIC_COARSE)
}

/// `clock_gettime` of libc's clock `id`; 0 if there is no such clock.
fn clock(id: i32) -> u64 {
    // Where there is no vDSO libc's clock is a system call too, which a filter that is made there allows.
    let Some(read) = vdso::clock() else { return in_nanoseconds(&syscall::clock_get_time(id)) };
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one timespec is written.
    unsafe { read(id, &mut time) };
    in_nanoseconds(&time)
}

fn in_nanoseconds(time: &libc::timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
