//! What of libSystem the `libc` crate does not declare, or means for others: what we replace in other images stays libSystem's
//! own in ours.

use core::ffi::{c_char, c_int, c_void};

#[link(name = "System")]
unsafe extern "C" {
    /// Sleeps while the word at `address` has this value; `timeout` in microseconds, 0 for none (xnu, sys/ulock.h).
    pub fn __ulock_wait(operation: u32, address: *mut c_void, value: u64, timeout: u32) -> c_int;
    /// Wakes what sleeps at `address`.
    pub fn __ulock_wake(operation: u32, address: *mut c_void, value: u64) -> c_int;
    /// Where libSystem keeps `environ`.
    pub fn _NSGetEnviron() -> *mut *mut *mut c_char;
    /// The last part of the path by which the program was started, or null.
    pub fn getprogname() -> *const c_char;
    /// Nanoseconds of a clock.
    pub fn clock_gettime_nsec_np(clock: u32) -> u64;
    /// The size of a page, 4 or 16 KiB.
    pub fn getpagesize() -> c_int;
    /// This process, as Mach calls take it.
    pub static mach_task_self_: u32;
    /// Looks up the mapping at or after `*address`.
    pub fn mach_vm_region(
        task: u32,
        address: *mut u64,
        size: *mut u64,
        flavor: c_int,
        info: *mut c_int,
        count: *mut u32,
        object: *mut u32,
    ) -> c_int;
}
