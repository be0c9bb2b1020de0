//! Three ways to end the process. Each prints one line on stderr and raises SIGABRT; none unwinds, allocates or runs exit
//! handlers.

use crate::stderr;
use crate::system::syscall;

/// Prints `message` and ends the process by SIGABRT, without unwinding, allocating or running exit handlers.
///
/// This is what a panic inside the library becomes: see [`panic_handler!`](crate::panic_handler).
#[cold]
pub fn abort(message: &str) -> ! {
    let mut line = stderr::Line::new();
    line.text(message);
    line.end();
    syscall::abort()
}

/// Prints why, and ends the process by SIGABRT: the calling thread needs a lock that it already holds, and would wait for
/// itself for ever. C and POSIX do not allow the call that led here.
#[cold]
pub fn abort_on_reentry() -> ! {
    abort(
        "xalloc: a signal handler has come back into the allocator that it interrupted, or that one left by longjmp before: \
         malloc and free are not async-signal-safe, nor is exit(), which calls them (use _exit() in a handler, or set a flag \
         there and do the rest outside)",
    )
}

/// Prints the panic's message and place, and ends the process by SIGABRT: the body of [`panic_handler!`](crate::panic_handler).
#[cold]
pub fn abort_on_panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let mut line = stderr::Line::new();
    line.text("xalloc: internal error: please report: ");
    // Writing to a `Line` cannot fail; what does not fit is cut.
    let _ = core::fmt::Write::write_fmt(&mut line, format_args!("{}", info.message()));
    if let Some(place) = info.location() {
        let _ = core::fmt::Write::write_fmt(&mut line, format_args!(" at {}:{}", place.file(), place.line()));
    }
    line.end();
    syscall::abort()
}
