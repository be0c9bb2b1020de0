//! aarch64 Linux: system calls, the thread pointer, the TLS word. Each item as in `x86_64.rs`, where it is explained.

use core::arch::{asm, global_asm};

global_asm!(
    ".pushsection .tdata.xalloc_tls_word,\"awT\",%progbits",
    ".hidden xalloc_tls_word",
    ".globl xalloc_tls_word",
    ".type xalloc_tls_word,%object",
    ".size xalloc_tls_word,8",
    ".balign 8",
    "xalloc_tls_word:",
    ".xword {empty}",
    ".popsection",
    empty = sym crate::empty::EMPTY,
);

/// Returns the calling thread's TLS word.
#[inline(always)]
pub fn tls_word() -> *mut u8 {
    let word: *mut u8;
    // SAFETY: reads the calling thread's own 8 bytes of static TLS; `pure` and `readonly` as on x86-64.
    unsafe {
        asm!(
            "mrs {base}, tpidr_el0",
            "adrp {word}, :gottprel:xalloc_tls_word",
            "ldr {word}, [{word}, :gottprel_lo12:xalloc_tls_word]",
            "ldr {word}, [{base}, {word}]",
            base = out(reg) _,
            word = out(reg) word,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    word
}

/// Sets the calling thread's TLS word.
#[inline(always)]
pub fn set_tls_word(word: *mut u8) {
    // SAFETY: writes the calling thread's own 8 bytes of static TLS.
    unsafe {
        asm!(
            "mrs {base}, tpidr_el0",
            "adrp {offset}, :gottprel:xalloc_tls_word",
            "ldr {offset}, [{offset}, :gottprel_lo12:xalloc_tls_word]",
            "str {word}, [{base}, {offset}]",
            base = out(reg) _,
            offset = out(reg) _,
            word = in(reg) word,
            options(nostack, preserves_flags)
        );
    }
}

/// Returns the thread pointer: different for every living thread, never 0.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register that user code may read.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) pointer, options(pure, nomem, nostack, preserves_flags)) };
    pointer
}

/// Makes a system call with up to six arguments. Returns the kernel's result: a negative errno on failure.
///
/// # Safety
/// The same as for the system call: the kernel does to this process what the arguments say.
#[inline(always)]
pub unsafe fn syscall6(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result: isize;
    // SAFETY: the aarch64 Linux convention; only x0 changes.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack)
        );
    }
    result
}

/// Returns the address of libc's `$name`, or null if the process has none. It is a weak import, which stable Rust cannot
/// declare.
#[macro_export]
macro_rules! weak_symbol {
    ($name:literal) => {{
        let address: *mut u8;
        // SAFETY: loads the GOT slot that the loader filled, or left 0 because the symbol is weak.
        unsafe {
            core::arch::asm!(
                concat!(".weak ", $name),
                concat!("adrp {0}, :got:", $name),
                concat!("ldr {0}, [{0}, :got_lo12:", $name, "]"),
                out(reg) address,
                options(pure, readonly, nostack, preserves_flags)
            );
        }
        address
    }};
}

/// The name of `clock_gettime` in the vDSO.
pub const VDSO_CLOCK: &core::ffi::CStr = c"__kernel_clock_gettime";

/// The numbers of the system calls that xalloc uses.
pub mod number {
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const OPEN_AT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const MMAP: usize = 222;
    pub const MPROTECT: usize = 226;
    pub const MUNMAP: usize = 215;
    pub const BRK: usize = 214;
    pub const RT_SIGPROCMASK: usize = 135;
    pub const RT_SIGTIMEDWAIT: usize = 137;
    pub const SCHED_YIELD: usize = 124;
    pub const MREMAP: usize = 216;
    pub const MADVISE: usize = 233;
    pub const MLOCK: usize = 228;
    pub const MUNLOCK: usize = 229;
    pub const GETPID: usize = 172;
    pub const RT_SIGACTION: usize = 134;
    pub const TGKILL: usize = 131;
    pub const GETTID: usize = 178;
    pub const FUTEX: usize = 98;
    pub const FCNTL: usize = 25;
    pub const FSTAT: usize = 80;
    pub const CLOCK_GETTIME: usize = 113;
    pub const PRCTL: usize = 167;
    pub const UNSHARE: usize = 97;
    pub const SETNS: usize = 268;
    pub const FTRUNCATE: usize = 46;
    pub const MEMFD_CREATE: usize = 279;
}
