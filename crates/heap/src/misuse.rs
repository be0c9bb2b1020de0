//! What a program did wrong, said in one line, and what happens then.

use core::sync::atomic::{AtomicBool, Ordering};
use xalloc_os::stderr::Line;

/// The call that was given the bad pointer, by the name its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `free` and everything that frees: `delete`, `free_sized`, …
    Free,
    /// `realloc`, `reallocarray`.
    Realloc,
    /// `malloc_usable_size`.
    UsableSize,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Realloc => "realloc",
            Self::UsableSize => "malloc_usable_size",
        }
    }
}

static REPORT_ONLY: AtomicBool = AtomicBool::new(false);

/// Whether misuse is only reported (true), or ends the process by SIGABRT (false, the default).
pub fn set_report_only(report_only: bool) {
    // Relaxed: a setting, ordered with nothing.
    REPORT_ONLY.store(report_only, Ordering::Relaxed);
}

/// Prints `xalloc: CALL(): ADDRESS: what` (in a copy with a prefix `my: my_CALL(): …`) and ends the process, unless
/// [`set_report_only`]: then the caller goes on without having done what it was asked. No lock of the heap may be held: a
/// handler of SIGABRT may allocate.
#[cold]
pub fn report(call: Call, pointer: usize, what: &str) {
    Line::signed().function(call.name()).text(": ").address(pointer).text(": ").text(what).end();
    // Relaxed: see `set_report_only`.
    if !REPORT_ONLY.load(Ordering::Relaxed) {
        xalloc_os::syscall::abort();
    }
}
