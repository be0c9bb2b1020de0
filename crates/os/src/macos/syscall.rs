//! The kernel's services that xalloc uses, through libSystem. They leave errno as it was: a failure here is not one of the
//! program's calls.

use super::libsystem::{__ulock_wait, __ulock_wake};
use crate::errno;
use core::ffi::CStr;

/// An errno value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

/// UL_COMPARE_AND_WAIT | ULF_NO_ERRNO (xnu, sys/ulock.h): between the threads of this process.
const COMPARE_AND_WAIT: u32 = 1 | 0x0100_0000;

/// Makes a call that returns -1 and sets errno on failure.
fn result(call: impl FnOnce() -> isize) -> Result<usize, Errno> {
    errno::kept(|| match call() {
        -1 => Err(Errno(errno::get())),
        value => Ok(value as usize),
    })
}

/// Repeats a call as long as a signal interrupts it.
fn uninterrupted(mut call: impl FnMut() -> isize) -> Result<usize, Errno> {
    loop {
        match result(&mut call) {
            Err(Errno(libc::EINTR)) => {}
            answer => return answer,
        }
    }
}

/// Duplicates `descriptor`. The new one has the number `least` or a higher one, and is closed by `exec`.
///
/// # Errors
/// The kernel's.
pub fn duplicate(descriptor: i32, least: i32) -> Result<i32, Errno> {
    // SAFETY: no pointers.
    result(|| unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, least) as isize }).map(|fd| fd as i32)
}

/// Returns the device and the file for which `descriptor` is open; `None` if it is closed.
pub fn identity(descriptor: i32) -> Option<(u64, u64)> {
    // SAFETY: zeros are a valid stat, which is filled in.
    let mut file: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: one stat is written.
    result(|| unsafe { libc::fstat(descriptor, &mut file) as isize }).ok()?;
    Some((file.st_dev as u64, file.st_ino))
}

/// Writes like [`write_all`]. On macOS a pending signal of the process cannot be taken back, so it may be raised.
///
/// # Errors
/// Those of [`write_all`].
pub fn write_quietly(descriptor: i32, bytes: &[u8]) -> Result<(), Errno> {
    write_all(descriptor, bytes)
}

/// Writes all of `bytes` by `write(2)`.
///
/// # Errors
/// The kernel's error; some of the bytes may be written. EIO if the descriptor takes none.
pub fn write_all(descriptor: i32, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: reads `bytes.len()` bytes of a live slice.
        match uninterrupted(|| unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) })? {
            0 => return Err(Errno(libc::EIO)),
            count => bytes = &bytes[count.min(bytes.len())..],
        }
    }
    Ok(())
}

/// Opens `path` for reading, close-on-exec. Tries again if a signal interrupts it.
///
/// # Errors
/// The kernel's.
pub fn open_read(path: &CStr) -> Result<i32, Errno> {
    // SAFETY: reads a string that ends with its NUL.
    uninterrupted(|| unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) as isize })
        .map(|fd| fd as i32)
}

/// Opens `path` for appending, close-on-exec, and creates the file if it does not exist. Does not follow a symbolic link, does
/// not wait for the reader of a pipe, and takes no terminal as the process's own. Tries again if a signal interrupts it.
///
/// # Errors
/// The kernel's error: ELOOP for a symbolic link.
pub fn open_append(path: &CStr) -> Result<i32, Errno> {
    const MODE: core::ffi::c_uint = 0o644;
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    // SAFETY: reads a string that ends with its NUL.
    uninterrupted(|| unsafe { libc::open(path.as_ptr(), flags, MODE) as isize }).map(|fd| fd as i32)
}

/// Reads into `buffer` by `read(2)`, and returns how many bytes; 0 at the end of the file. Tries again if a signal interrupts
/// it.
///
/// # Errors
/// The kernel's.
pub fn read(descriptor: i32, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: writes at most `buffer.len()` bytes into a live slice.
    uninterrupted(|| unsafe { libc::read(descriptor, buffer.as_mut_ptr().cast(), buffer.len()) })
}

/// Closes `descriptor`.
pub fn close(descriptor: i32) {
    // SAFETY: closes a descriptor that the caller opened. What it says is of no use.
    let _ = result(|| unsafe { libc::close(descriptor) as isize });
}

/// Returns the number of the process.
pub fn process_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { libc::getpid() }
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: no arguments.
    unsafe { libc::sched_yield() };
}

/// Sleeps while `*word == expected`. May return for any reason, so the caller must check again.
pub fn futex_wait(word: *const u32, expected: u32) {
    // SAFETY: the kernel only reads the word.
    unsafe { __ulock_wait(COMPARE_AND_WAIT, word.cast_mut().cast(), u64::from(expected), 0) };
}

/// Sleeps like [`futex_wait`], but for at most `milliseconds`.
pub fn futex_wait_at_most(word: *const u32, expected: u32, milliseconds: u64) {
    // The timeout is in microseconds; 0 would mean none.
    let timeout = (milliseconds.saturating_mul(1000)).clamp(1, u32::MAX.into()) as u32;
    // SAFETY: the kernel only reads the word.
    unsafe { __ulock_wait(COMPARE_AND_WAIT, word.cast_mut().cast(), u64::from(expected), timeout) };
}

/// Wakes one thread that sleeps on `word`.
pub fn futex_wake_one(word: *const u32) {
    // SAFETY: the kernel uses the address only as a key.
    unsafe { __ulock_wake(COMPARE_AND_WAIT, word.cast_mut().cast(), 0) };
}

/// Ends the process by SIGABRT. A handler of the program runs first. If it returns, or if the signal is blocked or ignored, the
/// default action follows.
pub fn abort() -> ! {
    // SAFETY: signal calls on this thread and this process, which end it.
    unsafe {
        let mut set = core::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGABRT);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, core::ptr::null_mut());
        libc::pthread_kill(libc::pthread_self(), libc::SIGABRT);
        let default_action: libc::sigaction = core::mem::zeroed();
        libc::sigaction(libc::SIGABRT, &default_action, core::ptr::null_mut());
        loop {
            libc::pthread_kill(libc::pthread_self(), libc::SIGABRT);
        }
    }
}
