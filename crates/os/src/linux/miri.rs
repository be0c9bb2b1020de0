//! The kernel as Miri has it, for tests only: `scripts/miri` runs the unit tests on it.
//!
//! Miri executes no system call and no instruction of a processor. Its own `mmap` makes memory anywhere, of zeros, readable and
//! writable; what it cannot do with a part of a mapping is done here by writing zeros. So this kernel trusts its callers
//! where the real one protects itself: unmapped memory can still be touched, and what is asked for at an address must have
//! been mapped there before. Everything else that it does not know is ENOSYS.

#![allow(clippy::disallowed_methods, reason = "Miri has its own libc, and nothing can take the place of its functions")]

use core::cell::Cell;
use core::ptr::{null_mut, with_exposed_provenance, with_exposed_provenance_mut};

/// Where the kernel's vDSO would have its clock. There is none: `AT_SYSINFO_EHDR` is 0.
pub const VDSO_CLOCK: &core::ffi::CStr = c"";

std::thread_local! {
    static WORD: Cell<*mut u8> = const { Cell::new((&raw const crate::empty::EMPTY).cast_mut().cast()) };
}

/// The calling thread's TLS word.
pub fn tls_word() -> *mut u8 {
    WORD.get()
}

/// Sets the calling thread's TLS word.
pub fn set_tls_word(word: *mut u8) {
    WORD.set(word);
}

/// A number that no other living thread has, even and never 0.
pub fn thread_pointer() -> usize {
    WORD.with(|word| word.as_ptr().addr())
}

/// The auxiliary vector's entry `kind`: the size of a page, and nothing else.
pub fn auxiliary(kind: u64) -> usize {
    if kind == libc::AT_PAGESZ { 4096 } else { 0 }
}

/// A system call; negative errno on failure.
///
/// # Safety
/// As the call's own.
pub unsafe fn syscall6(call: usize, a: usize, b: usize, c: usize, d: usize, e: usize, _: usize) -> isize {
    // SAFETY: the callers', to whom this is the kernel: an address that comes as a number is one of memory that they have, and
    // its pointer was exposed when it was made a number.
    unsafe {
        match call {
            number::MMAP => map(a, b, d as i32),
            number::MUNMAP => 0,
            number::MREMAP => remap(a, b, c, d as i32, e),
            number::MADVISE if c == libc::MADV_DONTNEED as usize => clear(a, b),
            number::MADVISE => 0,
            number::WRITE => libc::write(a as i32, with_exposed_provenance(b), c),
            number::CLOCK_GETTIME => libc::clock_gettime(a as i32, with_exposed_provenance_mut(b)) as isize,
            number::SCHED_YIELD => libc::sched_yield() as isize,
            // Who sleeps wakes for no reason, and looks again: the lock's words are longer than what Miri's futex looks at, and Miri
            // allows no access of another size. `pages::is_readable` learns that a word can be read.
            number::FUTEX => libc::sched_yield() as isize,
            _ => -libc::ENOSYS as isize,
        }
    }
}

unsafe fn map(address: usize, length: usize, flags: i32) -> isize {
    if address != 0 {
        debug_assert_ne!(flags & (libc::MAP_FIXED | libc::MAP_FIXED_NOREPLACE), 0);
        // SAFETY: by this kernel's rule, it was mapped before.
        unsafe { clear(address, length) };
        return address as isize;
    }
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: memory that nobody has.
    let memory = unsafe { libc::mmap(null_mut(), length, protection, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0) };
    if memory == libc::MAP_FAILED { -libc::ENOMEM as isize } else { memory.expose_provenance() as isize }
}

/// Shrinks in place, and moves otherwise, if it may.
unsafe fn remap(address: usize, old: usize, new: usize, flags: i32, target: usize) -> isize {
    if new <= old && flags & libc::MREMAP_FIXED == 0 {
        return address as isize;
    }
    if flags & libc::MREMAP_MAYMOVE == 0 {
        return -libc::ENOMEM as isize;
    }
    // SAFETY: memory that nobody has, and by the callers' contracts the target is nobody's either.
    unsafe {
        let to = if flags & libc::MREMAP_FIXED == 0 { map(0, new, 0) as usize } else { target };
        let bytes = old.min(new);
        core::ptr::copy_nonoverlapping::<u8>(with_exposed_provenance(address), with_exposed_provenance_mut(to), bytes);
        clear(to + bytes, new - bytes);
        to as isize
    }
}

unsafe fn clear(address: usize, length: usize) -> isize {
    // SAFETY: memory of the caller's, whose contents nobody needs.
    unsafe { with_exposed_provenance_mut::<u8>(address).write_bytes(0, length) };
    0
}

/// The address of libc's `$name`: Miri's has none that is asked for.
#[macro_export]
macro_rules! weak_symbol {
    ($name:literal) => {
        core::ptr::null_mut::<u8>()
    };
}

/// The numbers of the system calls in use.
pub mod number {
    pub const READ: usize = libc::SYS_read as usize;
    pub const WRITE: usize = libc::SYS_write as usize;
    pub const OPEN_AT: usize = libc::SYS_openat as usize;
    pub const CLOSE: usize = libc::SYS_close as usize;
    pub const MMAP: usize = libc::SYS_mmap as usize;
    pub const MPROTECT: usize = libc::SYS_mprotect as usize;
    pub const MUNMAP: usize = libc::SYS_munmap as usize;
    pub const BRK: usize = libc::SYS_brk as usize;
    pub const RT_SIGPROCMASK: usize = libc::SYS_rt_sigprocmask as usize;
    pub const RT_SIGTIMEDWAIT: usize = libc::SYS_rt_sigtimedwait as usize;
    pub const SCHED_YIELD: usize = libc::SYS_sched_yield as usize;
    pub const MREMAP: usize = libc::SYS_mremap as usize;
    pub const MADVISE: usize = libc::SYS_madvise as usize;
    pub const FTRUNCATE: usize = libc::SYS_ftruncate as usize;
    pub const MEMFD_CREATE: usize = libc::SYS_memfd_create as usize;
    pub const MLOCK: usize = libc::SYS_mlock as usize;
    pub const MUNLOCK: usize = libc::SYS_munlock as usize;
    pub const GETPID: usize = libc::SYS_getpid as usize;
    pub const RT_SIGACTION: usize = libc::SYS_rt_sigaction as usize;
    pub const TGKILL: usize = libc::SYS_tgkill as usize;
    pub const GETTID: usize = libc::SYS_gettid as usize;
    pub const FUTEX: usize = libc::SYS_futex as usize;
    pub const FCNTL: usize = libc::SYS_fcntl as usize;
    pub const FSTAT: usize = libc::SYS_fstat as usize;
    pub const CLOCK_GETTIME: usize = libc::SYS_clock_gettime as usize;
    pub const PRCTL: usize = libc::SYS_prctl as usize;
    pub const UNSHARE: usize = libc::SYS_unshare as usize;
    pub const SETNS: usize = libc::SYS_setns as usize;
}
