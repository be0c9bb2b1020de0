//! What a program did wrong, said in one line, and what happens then.

use core::sync::atomic::{AtomicBool, Ordering};
use xalloc_os::stderr::Line;

/// The call that noticed it, by the name its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `malloc` and everything that allocates.
    Malloc,
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
            Self::Malloc => "malloc",
            Self::Free => "free",
            Self::Realloc => "realloc",
            Self::UsableSize => "malloc_usable_size",
        }
    }
}

/// What is wrong with a pointer. Sizes are usable sizes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse<'a> {
    /// A block that was freed, and not handed out since.
    FreedBefore {
        /// Of the block.
        size: usize,
    },
    /// Not the start of a block.
    Interior {
        /// How far behind the block's start.
        offset: usize,
        /// Of the block.
        size: usize,
    },
    /// In memory of the heap where no block is at the moment.
    FreeMemory,
    /// A free block whose first two words are not what `free` wrote there.
    Overwritten {
        /// Of the block.
        size: usize,
    },
    /// None of the heap's, but what the text says.
    Elsewhere(&'a str),
}

impl Misuse<'_> {
    fn describe(self, line: &mut Line) {
        match self {
            Self::FreedBefore { size } => line.text("freed before: ").block(size),
            Self::Interior { offset, size } => {
                line.text("interior pointer: ").number(offset).text(" bytes into ").block(size)
            }
            Self::FreeMemory => line.text("free memory of the heap: freed before, or never a block"),
            Self::Overwritten { size } => line.text("written to after it was freed: ").block(size),
            Self::Elsewhere(what) => line.text(what),
        };
    }
}

trait Describe {
    fn block(&mut self, size: usize) -> &mut Self;
}

impl Describe for Line {
    fn block(&mut self, size: usize) -> &mut Self {
        self.text("a block of ").number(size).text(" bytes")
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
#[inline(never)]
pub fn report(call: Call, pointer: usize, misuse: Misuse<'_>) {
    let mut line = Line::signed();
    line.function(call.name()).text(": ").address(pointer).text(": ");
    misuse.describe(&mut line);
    line.end();
    // Relaxed: see `set_report_only`.
    if !REPORT_ONLY.load(Ordering::Relaxed) {
        xalloc_os::syscall::abort();
    }
}
