//! x86-64 Linux: system calls, the thread pointer, the TLS word.

use core::arch::{asm, global_asm};

// The library's only thread-local storage: one word, of the model initial-exec. An access takes two instructions and never
// calls `__tls_get_addr`, which may itself allocate. The word's first value is the address of `EMPTY`: the loader writes it by
// a relocation before it makes the first thread's TLS block. The symbol is hidden, so that a second copy of xalloc in the
// process has its own.
global_asm!(
    ".pushsection .tdata.xalloc_tls_word,\"awT\",@progbits",
    ".hidden xalloc_tls_word",
    ".globl xalloc_tls_word",
    ".type xalloc_tls_word,@object",
    ".size xalloc_tls_word,8",
    ".balign 8",
    "xalloc_tls_word:",
    ".quad {empty}",
    ".popsection",
    empty = sym crate::empty::EMPTY,
);

/// Returns the calling thread's TLS word.
#[inline(always)]
pub fn tls_word() -> *mut u8 {
    let word: *mut u8;
    // SAFETY: reads the calling thread's own 8 bytes of static TLS. `pure` lets the compiler merge reads between two
    // `set_tls_word`, whose asm clobbers memory; `readonly`, not `nomem`, is what makes that clobber count.
    unsafe {
        asm!(
            "mov {0}, qword ptr [rip + xalloc_tls_word@GOTTPOFF]",
            "mov {0}, qword ptr fs:[{0}]",
            out(reg) word,
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
            "mov {0}, qword ptr [rip + xalloc_tls_word@GOTTPOFF]",
            "mov qword ptr fs:[{0}], {1}",
            out(reg) _,
            in(reg) word,
            options(nostack, preserves_flags)
        );
    }
}

/// Returns the thread pointer: different for every living thread, never 0.
#[inline(always)]
pub fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: the psABI keeps the thread pointer itself at fs:0.
    unsafe { asm!("mov {}, qword ptr fs:[0]", out(reg) pointer, options(pure, readonly, nostack, preserves_flags)) };
    pointer
}

/// Makes a system call with up to six arguments. Returns the kernel's result: a negative errno on failure.
///
/// # Safety
/// The same as for the system call: the kernel does to this process what the arguments say.
#[inline(always)]
pub unsafe fn syscall6(number: usize, a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    let result: isize;
    // SAFETY: the x86-64 Linux convention; rcx and r11 are overwritten by the instruction itself.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
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
                concat!("mov {}, qword ptr [rip + ", $name, "@GOTPCREL]"),
                out(reg) address,
                options(pure, readonly, nostack, preserves_flags)
            );
        }
        address
    }};
}

/// The name of `clock_gettime` in the vDSO.
pub const VDSO_CLOCK: &core::ffi::CStr = c"__vdso_clock_gettime";

/// The numbers of the system calls that xalloc uses.
pub mod number {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const OPEN_AT: usize = 257;
    pub const CLOSE: usize = 3;
    pub const MMAP: usize = 9;
    pub const MPROTECT: usize = 10;
    pub const MUNMAP: usize = 11;
    pub const BRK: usize = 12;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const RT_SIGTIMEDWAIT: usize = 128;
    pub const SCHED_YIELD: usize = 24;
    pub const MREMAP: usize = 25;
    pub const MADVISE: usize = 28;
    pub const MLOCK: usize = 149;
    pub const MUNLOCK: usize = 150;
    pub const GETPID: usize = 39;
    pub const RT_SIGACTION: usize = 13;
    pub const TGKILL: usize = 234;
    pub const GETTID: usize = 186;
    pub const FUTEX: usize = 202;
    pub const FCNTL: usize = 72;
    pub const FSTAT: usize = 5;
    pub const CLOCK_GETTIME: usize = 228;
    pub const PRCTL: usize = 157;
    pub const UNSHARE: usize = 272;
    pub const SETNS: usize = 308;
    pub const FTRUNCATE: usize = 77;
    pub const MEMFD_CREATE: usize = 319;
}
