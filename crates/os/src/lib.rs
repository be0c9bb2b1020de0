//! What xalloc needs of the processor and the kernel: pages, the one TLS word, the lock, system calls, the clock, stderr.
//!
//! It knows nothing of malloc, of libc's internals or of the loader. Everything above it is the same on every platform, except
//! for the way in which the redirect layer takes malloc's place.
//!
//! It must not allocate, take a lock of libc's, change errno, or call anything that another preloaded library could have
//! replaced. So on Linux it makes system calls directly, and never through libc's wrappers. On macOS only libSystem may make
//! them, so it uses those functions of libSystem that allocate nothing.

#![no_std]
#![cfg_attr(test, allow(unused_crate_dependencies, reason = "the test harness links more than the library"))]

#[cfg(any(test, miri))]
extern crate std;

// Other targets are refused earlier, by build.rs.
#[cfg_attr(miri, path = "arch/miri.rs")]
#[cfg_attr(all(target_arch = "x86_64", not(miri)), path = "arch/x86_64.rs")]
#[cfg_attr(all(target_arch = "aarch64", not(miri)), path = "arch/aarch64.rs")]
mod arch;
#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(target_os = "macos", path = "macos/mod.rs")]
mod system;

pub mod abort;
pub mod clock;
mod empty;
pub mod errno;
pub mod filter;
mod futex;
pub mod lock;
#[cfg(test)]
mod lock_tests;
pub mod maps;
pub mod pages;
mod place;
pub mod process;
pub mod random;
pub mod refusals;
pub mod stderr;
mod sync;
#[cfg(test)]
mod syscall_tests;
pub mod thread;
pub mod work_signal;

pub use abort::{abort, abort_on_panic};
pub use arch::decrement;
pub use lock::Lock;
#[cfg(target_os = "linux")]
pub use system::symbols;
pub use system::syscall;
pub use work_signal::WorkSignal;

impl Lock {
    /// A free lock.
    pub const fn new() -> Self {
        Self::around(sync::AtomicUsize::new(0))
    }
}

/// Defines the panic handler of a `no_std` library built on xalloc: it prints the message by `write(2)`, then raises SIGABRT.
///
/// It also defines `rust_eh_personality`. Nothing unwinds, but the core library as it is distributed refers to this function,
/// and without link-time optimisation the reference must be resolved. The symbol is hidden, so that no library exports it, and
/// weak, so that the standard library's own one is preferred.
#[macro_export]
macro_rules! panic_handler {
    () => {
        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::abort_on_panic(info)
        }

        #[cfg(target_os = "linux")]
        core::arch::global_asm!(
            ".weak rust_eh_personality",
            ".hidden rust_eh_personality",
            ".set rust_eh_personality, 0",
        );
    };
}

/// Has `extern "C" fn $function()` called when the library or program that contains it is loaded; before its other
/// constructors, where the system has an order. With a name, the constructor is linked in only if code refers to the static of
/// that name.
// The crate `ctor` (1.0.13) was measured in its place. On Linux it makes the same 8 bytes of .init_array, and start-up takes as
// many instructions. But the order needs its feature `priority`: without that, a program that libxalloc.a is linked into runs
// its own constructors first. The feature brings a second crate, and on macOS 1,500 lines of assembler that sort constructors
// at start-up, and an exported symbol. And `ctor` links every constructor in, though that of xalloc-global must be left out
// where nothing uses the allocator.
#[macro_export]
macro_rules! constructor {
    ($(#[$used:ident])? $name:ident = $function:expr) => {
        $(#[$used])?
        #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array.00101"))]
        #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func,mod_init_funcs"))]
        static $name: extern "C" fn() = $function;
    };
    ($function:expr) => {
        $crate::constructor!(#[used] XALLOC_CONSTRUCTOR = $function);
    };
}
