//! Functions of libSystem that the `libc` crate does not declare, or declares for other systems. A function that we replace in
//! other images stays libSystem's in our own.

use core::ffi::{c_char, c_int, c_void};

#[link(name = "System")]
unsafe extern "C" {
    /// Sleeps while the word at `address` has this value; `timeout` in microseconds, 0 for none (xnu, sys/ulock.h).
    pub fn __ulock_wait(operation: u32, address: *mut c_void, value: u64, timeout: u32) -> c_int;
    /// Wakes a thread that sleeps at `address`.
    pub fn __ulock_wake(operation: u32, address: *mut c_void, value: u64) -> c_int;
    /// Returns the address of libSystem's `environ`.
    pub fn _NSGetEnviron() -> *mut *mut *mut c_char;
    /// Returns the last part of the path by which the program was started, or null.
    pub fn getprogname() -> *const c_char;
    /// Returns the nanoseconds of a clock.
    pub fn clock_gettime_nsec_np(clock: u32) -> u64;
    /// Returns the size of a page in bytes, 4 or 16 KiB.
    pub fn getpagesize() -> c_int;
    /// The name of this process in calls to Mach.
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
