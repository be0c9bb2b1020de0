//! The system calls that xalloc uses, each as a function with the kernel's own meaning.
//!
//! They are made directly. A call through libc may land in another preloaded library (which may allocate, lock or look up
//! symbols), and it writes errno, which a successful `malloc` and every `free` must leave alone.

use super::arch::{number, syscall6};
use core::ffi::CStr;

/// An errno value as the kernel returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

fn result(value: isize) -> Result<usize, Errno> {
    // The kernel keeps the last page of the address space for error numbers.
    if (-4095..0).contains(&value) { Err(Errno(-value as i32)) } else { Ok(value as usize) }
}

/// Repeats a call as long as a signal interrupts it.
fn uninterrupted(mut call: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match call() {
            Err(Errno(libc::EINTR)) => {}
            answer => return answer,
        }
    }
}

/// Calls `mmap` for fresh private memory, and returns its address. `protection` and `flags` are libc's constants.
///
/// # Errors
/// The kernel's error, most often ENOMEM.
///
/// # Safety
/// With MAP_FIXED in `flags`, what was mapped at `address` is gone.
pub unsafe fn mmap(address: usize, length: usize, protection: i32, flags: i32) -> Result<usize, Errno> {
    let flags = (flags | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as usize;
    // SAFETY: the caller answers for MAP_FIXED; otherwise only unused addresses are taken.
    result(unsafe { syscall6(number::MMAP, address, length, protection as usize, flags, usize::MAX, 0) })
}

/// Calls `mmap` for what `descriptor` is open for, shared with all who map it, to read and write, and returns the address.
/// `flags` may be MAP_FIXED.
///
/// # Errors
/// The kernel's.
///
/// # Safety
/// With MAP_FIXED in `flags`, what was mapped at `address` is gone.
pub unsafe fn mmap_shared(address: usize, length: usize, flags: i32, descriptor: i32) -> Result<usize, Errno> {
    let (protection, flags) = ((libc::PROT_READ | libc::PROT_WRITE) as usize, (flags | libc::MAP_SHARED) as usize);
    // SAFETY: the caller answers for MAP_FIXED; otherwise only unused addresses are taken.
    result(unsafe { syscall6(number::MMAP, address, length, protection, flags, descriptor as usize, 0) })
}

/// Calls `memfd_create`: a file in memory that no directory has, closed by `exec`.
///
/// # Errors
/// The kernel's.
pub fn memfd_create(name: &CStr) -> Result<i32, Errno> {
    // SAFETY: the kernel reads a string that ends with its NUL.
    let create =
        unsafe { syscall6(number::MEMFD_CREATE, name.as_ptr() as usize, libc::MFD_CLOEXEC as usize, 0, 0, 0, 0) };
    result(create).map(|descriptor| descriptor as i32)
}

/// Calls `ftruncate`.
///
/// # Errors
/// The kernel's.
pub fn ftruncate(descriptor: i32, size: usize) -> Result<(), Errno> {
    // SAFETY: no pointers.
    result(unsafe { syscall6(number::FTRUNCATE, descriptor as usize, size, 0, 0, 0, 0) }).map(|_| ())
}

/// Calls `munmap`.
///
/// # Errors
/// ENOMEM when a mapping would have to be split and the process has too many.
///
/// # Safety
/// Nothing uses the range any more.
pub unsafe fn munmap(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: the range is a mapping of the caller's, or a part of one, that is not used any more.
    result(unsafe { syscall6(number::MUNMAP, address, length, 0, 0, 0, 0) }).map(|_| ())
}

/// Calls `mprotect`.
///
/// # Errors
/// ENOMEM if a mapping would have to be split and the process has too many, or if too much memory would become writable.
///
/// # Safety
/// Nobody uses the range in a way that the new protection forbids.
pub unsafe fn mprotect(address: usize, length: usize, protection: i32) -> Result<(), Errno> {
    // SAFETY: the range is mapped, and the caller's; who touches it afterwards keeps to the new protection.
    result(unsafe { syscall6(number::MPROTECT, address, length, protection as usize, 0, 0, 0) }).map(|_| ())
}

/// Calls `mremap`, and returns the new address. `target` is used with MREMAP_FIXED only: the range moves there.
///
/// # Errors
/// ENOMEM if the range cannot grow in place and may not move, or if there is no room for it.
///
/// # Safety
/// The old range is used through the returned address only. With MREMAP_FIXED, nothing uses what was at the target.
pub unsafe fn mremap(address: usize, old: usize, new: usize, flags: i32, target: usize) -> Result<usize, Errno> {
    // SAFETY: the range is one mapping of the caller's, and the caller knows it by its new address only.
    result(unsafe { syscall6(number::MREMAP, address, old, new, flags as usize, target, 0) })
}

/// Calls `madvise`.
///
/// # Errors
/// The kernel's: EINVAL for advice it does not know, ENOMEM, EAGAIN.
///
/// # Safety
/// With MADV_DONTNEED, the range's contents are gone.
pub unsafe fn madvise(address: usize, length: usize, advice: i32) -> Result<(), Errno> {
    // SAFETY: the range is mapped, and the caller's; its contents are not needed if the advice drops them.
    result(unsafe { syscall6(number::MADVISE, address, length, advice as usize, 0, 0, 0) }).map(|_| ())
}

/// `mlock`.
///
/// # Errors
/// ENOMEM or EPERM when it is more than the process may lock, ENOMEM when not all of the range is mapped.
pub fn mlock(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: contents stay as they are; of what is not mapped, the call says so.
    result(unsafe { syscall6(number::MLOCK, address, length, 0, 0, 0, 0) }).map(|_| ())
}

/// `munlock`.
///
/// # Errors
/// ENOMEM when not all of the range is mapped.
pub fn munlock(address: usize, length: usize) -> Result<(), Errno> {
    // SAFETY: contents stay as they are; of what is not mapped, the call says so.
    result(unsafe { syscall6(number::MUNLOCK, address, length, 0, 0, 0, 0) }).map(|_| ())
}

/// Returns whether the word at `address`, a multiple of its size, can be read. Uses `futex`, for which the kernel reads the
/// word, compares it with 0 and does nothing more: every lock needs this call, so no filter forbids it.
pub fn is_readable(address: usize) -> bool {
    let operation = (libc::FUTEX_CMP_REQUEUE | libc::FUTEX_PRIVATE_FLAG) as usize;
    // SAFETY: wakes nobody and moves nobody, whatever the word is; a bad address is an error it returns.
    let answer = result(unsafe { syscall6(number::FUTEX, address, operation, 0, 0, address, 0) });
    // EAGAIN: the word is not 0.
    matches!(answer, Ok(_) | Err(Errno(libc::EAGAIN)))
}

/// Returns the end of the data segment: calls `brk(0)`, which moves nothing.
pub fn program_break() -> usize {
    // SAFETY: an address below the data segment is refused and the current break returned.
    unsafe { syscall6(number::BRK, 0, 0, 0, 0, 0, 0) as usize }
}

/// Duplicates `descriptor`. The new one has the number `least` or a higher one, and is closed by `exec`.
///
/// # Errors
/// The kernel's.
pub fn duplicate(descriptor: i32, least: i32) -> Result<i32, Errno> {
    let command = libc::F_DUPFD_CLOEXEC as usize;
    // SAFETY: no pointers.
    result(unsafe { syscall6(number::FCNTL, descriptor as usize, command, least as usize, 0, 0, 0) })
        .map(|fd| fd as i32)
}

/// Returns the device and the file for which `descriptor` is open; `None` if it is closed.
pub fn identity(descriptor: i32) -> Option<(u64, u64)> {
    // SAFETY: zeros are a valid stat, which the kernel fills in.
    let mut file: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the kernel writes one stat.
    result(unsafe { syscall6(number::FSTAT, descriptor as usize, (&raw mut file) as usize, 0, 0, 0, 0) }).ok()?;
    Some((file.st_dev, file.st_ino))
}

/// Returns the size of the file for which `descriptor` is open; `None` if it is closed.
pub fn file_size(descriptor: i32) -> Option<usize> {
    // SAFETY: zeros are a valid stat, which the kernel fills in.
    let mut file: libc::stat = unsafe { core::mem::zeroed() };
    // SAFETY: the kernel writes one stat.
    result(unsafe { syscall6(number::FSTAT, descriptor as usize, (&raw mut file) as usize, 0, 0, 0, 0) }).ok()?;
    usize::try_from(file.st_size).ok()
}

/// Writes like [`write_all`], but raises no signal. The standard error may be a pipe that nobody reads any more, or a file of
/// the greatest size allowed: a line of the library must not end the program then.
///
/// # Errors
/// Those of [`write_all`].
pub fn write_quietly(descriptor: i32, bytes: &[u8]) -> Result<(), Errno> {
    const OF_A_WRITE: u64 = 1 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1);
    let mut before = 0;
    signal_mask(libc::SIG_BLOCK, OF_A_WRITE, &mut before);
    let written = write_all(descriptor, bytes);
    if let Err(Errno(libc::EPIPE | libc::EFBIG)) = written {
        // The signal is pending for this thread, and would arrive when the mask is restored.
        let (signals, at_once) = (OF_A_WRITE, libc::timespec { tv_sec: 0, tv_nsec: 0 });
        let (signals, at_once) = (&raw const signals, &raw const at_once);
        // SAFETY: the kernel reads the set and the time.
        unsafe { syscall6(number::RT_SIGTIMEDWAIT, signals as usize, 0, at_once as usize, SIGNAL_SET, 0, 0) };
    }
    signal_mask(libc::SIG_SETMASK, before, &mut 0);
    written
}

/// The size in bytes of the kernel's set of signals.
const SIGNAL_SET: usize = size_of::<u64>();

/// Changes the calling thread's mask of signals, and stores the previous one in `before`.
fn signal_mask(how: i32, signals: u64, before: &mut u64) {
    let (set, old) = ((&raw const signals) as usize, core::ptr::from_mut(before) as usize);
    // SAFETY: the kernel reads one set and writes the other.
    unsafe { syscall6(number::RT_SIGPROCMASK, how as usize, set, old, SIGNAL_SET, 0, 0) };
}

/// Writes all of `bytes` by `write(2)`.
///
/// # Errors
/// The kernel's error; some of the bytes may be written. EIO if the descriptor takes none.
pub fn write_all(descriptor: i32, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let (start, length) = (bytes.as_ptr() as usize, bytes.len());
        // SAFETY: the kernel reads `length` bytes of a live slice.
        let write = || result(unsafe { syscall6(number::WRITE, descriptor as usize, start, length, 0, 0, 0) });
        match uninterrupted(write)? {
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
    let (directory, flags) = (libc::AT_FDCWD as usize, (libc::O_RDONLY | libc::O_CLOEXEC) as usize);
    // SAFETY: the kernel reads a string that ends with its NUL.
    let open = || unsafe { syscall6(number::OPEN_AT, directory, path.as_ptr() as usize, flags, 0, 0, 0) };
    uninterrupted(|| result(open())).map(|fd| fd as i32)
}

/// Opens `path` for appending, close-on-exec, and creates the file if it does not exist. Does not follow a symbolic link, does
/// not wait for the reader of a pipe, and takes no terminal as the process's own. Tries again if a signal interrupts it.
///
/// # Errors
/// The kernel's error: ELOOP for a symbolic link.
pub fn open_append(path: &CStr) -> Result<i32, Errno> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let (directory, flags, mode) = (libc::AT_FDCWD as usize, flags as usize, 0o644);
    // SAFETY: the kernel reads a string that ends with its NUL.
    let open = || unsafe { syscall6(number::OPEN_AT, directory, path.as_ptr() as usize, flags, mode, 0, 0) };
    uninterrupted(|| result(open())).map(|fd| fd as i32)
}

/// Opens `path` for writing, close-on-exec, without contents: creates the file, which only its owner may read, or cuts it off.
/// Does not follow a symbolic link, and takes no terminal as the process's own. The descriptor's number is above those that
/// programs use. Tries again if a signal interrupts it.
///
/// # Errors
/// The kernel's error: ELOOP for a symbolic link.
pub fn open_new(path: &CStr) -> Result<i32, Errno> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC | libc::O_CLOEXEC | libc::O_NOFOLLOW | libc::O_NOCTTY;
    let (directory, flags, mode) = (libc::AT_FDCWD as usize, flags as usize, 0o600);
    // SAFETY: the kernel reads a string that ends with its NUL.
    let open = || unsafe { syscall6(number::OPEN_AT, directory, path.as_ptr() as usize, flags, mode, 0, 0) };
    let low = uninterrupted(|| result(open())).map(|fd| fd as i32)?;
    let high = duplicate(low, 900).or_else(|_| duplicate(low, 3));
    close(low);
    high
}

/// Reads into `buffer` by `read(2)`, and returns how many bytes; 0 at the end of the file. Tries again if a signal interrupts
/// it.
///
/// # Errors
/// The kernel's.
pub fn read(descriptor: i32, buffer: &mut [u8]) -> Result<usize, Errno> {
    let (start, length) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the kernel writes at most `length` bytes into a live slice.
    uninterrupted(|| result(unsafe { syscall6(number::READ, descriptor as usize, start, length, 0, 0, 0) }))
}

/// Closes `descriptor`.
pub fn close(descriptor: i32) {
    // SAFETY: closes a descriptor that the caller opened.
    unsafe { syscall6(number::CLOSE, descriptor as usize, 0, 0, 0, 0, 0) };
}

/// Returns the number of the process. Asks the kernel each time: a stored value would be wrong after `fork` or `vfork`.
pub fn process_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { syscall6(number::GETPID, 0, 0, 0, 0, 0, 0) as i32 }
}

/// Returns the calling thread's number in the kernel.
pub fn thread_id() -> i32 {
    // SAFETY: no arguments.
    unsafe { syscall6(number::GETTID, 0, 0, 0, 0, 0, 0) as i32 }
}

/// Returns whether the process has a thread of this number. False only after the kernel has removed it.
pub fn has_thread(process: i32, thread: i32) -> bool {
    // SAFETY: signal 0 is sent to nobody.
    result(unsafe { syscall6(number::TGKILL, process as usize, thread as usize, 0, 0, 0, 0) })
        != Err(Errno(libc::ESRCH))
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: no arguments.
    unsafe { syscall6(number::SCHED_YIELD, 0, 0, 0, 0, 0, 0) };
}

/// Returns the time of libc's clock `id` by `clock_gettime`, for a machine without a vDSO; zeros if there is no such clock.
pub fn clock_get_time(id: i32) -> libc::timespec {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec.
    unsafe { syscall6(number::CLOCK_GETTIME, id as usize, (&raw mut time) as usize, 0, 0, 0, 0) };
    time
}

/// Calls `prctl` with these arguments.
///
/// # Errors
/// The kernel's.
///
/// # Safety
/// Those of the option.
pub unsafe fn prctl(option: i32, arguments: [usize; 4]) -> Result<usize, Errno> {
    let [a, b, c, d] = arguments;
    // SAFETY: the caller passes what this operation of prctl expects.
    result(unsafe { syscall6(number::PRCTL, option as usize, a, b, c, d, 0) })
}

/// Calls `unshare`.
///
/// # Errors
/// The kernel's.
pub fn unshare(flags: i32) -> Result<usize, Errno> {
    // SAFETY: no pointers; what belongs to the process stays in its place.
    result(unsafe { syscall6(number::UNSHARE, flags as usize, 0, 0, 0, 0, 0) })
}

/// Calls `setns`.
///
/// # Errors
/// The kernel's.
pub fn set_namespace(descriptor: i32, kind: i32) -> Result<usize, Errno> {
    // SAFETY: no pointers; what belongs to the process stays in its place.
    result(unsafe { syscall6(number::SETNS, descriptor as usize, kind as usize, 0, 0, 0, 0) })
}

/// Sleeps while `*word == expected`. May return for any reason, so the caller must check again.
pub fn futex_wait(word: *const u32, expected: u32) {
    let operation = (libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG) as usize;
    // SAFETY: the kernel only reads the word; a bad address is an error it returns.
    unsafe { syscall6(number::FUTEX, word as usize, operation, expected as usize, 0, 0, 0) };
}

/// Sleeps like [`futex_wait`], but for at most `milliseconds`.
pub fn futex_wait_at_most(word: *const u32, expected: u32, milliseconds: u64) {
    let operation = (libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG) as usize;
    let (seconds, nanoseconds) = (milliseconds / 1000, milliseconds % 1000 * 1_000_000);
    let timeout = libc::timespec { tv_sec: seconds as i64, tv_nsec: nanoseconds as i64 };
    // SAFETY: the kernel only reads the word and the time; a bad address is an error it returns.
    unsafe {
        syscall6(number::FUTEX, word as usize, operation, expected as usize, (&raw const timeout) as usize, 0, 0)
    };
}

/// Wakes one thread that sleeps on `word`.
pub fn futex_wake_one(word: *const u32) {
    let operation = (libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG) as usize;
    // SAFETY: the kernel uses the address only as a key.
    unsafe { syscall6(number::FUTEX, word as usize, operation, 1, 0, 0, 0) };
}

/// Ends the process by SIGABRT as `abort` does, but without libc's lock. A handler of the program runs first. If it returns, or
/// if the signal is blocked or ignored, the default action follows.
pub fn abort() -> ! {
    const SIGABRT: usize = libc::SIGABRT as usize;
    signal_mask(libc::SIG_UNBLOCK, 1 << (SIGABRT - 1), &mut 0);
    // A kernel's struct sigaction of zeros is SIG_DFL.
    let default_action = [0usize; 4];
    // SAFETY: the calls read the action, and end the process.
    unsafe {
        let thread = syscall6(number::GETTID, 0, 0, 0, 0, 0, 0) as usize;
        syscall6(number::TGKILL, process_id() as usize, thread, SIGABRT, 0, 0, 0);
        syscall6(number::RT_SIGACTION, SIGABRT, (&raw const default_action) as usize, 0, SIGNAL_SET, 0, 0);
        loop {
            syscall6(number::TGKILL, process_id() as usize, thread, SIGABRT, 0, 0, 0);
        }
    }
}
