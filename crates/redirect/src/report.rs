//! The line that reports a program's mistake, and what follows it.

use core::sync::atomic::{AtomicBool, Ordering};
use xalloc_heap::{Call, Incident, Misuse, Refusal};
use xalloc_os::stderr::{self, Line};

static REPORT_ONLY: AtomicBool = AtomicBool::new(false);

/// Sets what follows: with true nothing, with false (the default) the end of the process by SIGABRT.
pub fn set_report_only(report_only: bool) {
    // Relaxed: a setting, ordered with nothing.
    REPORT_ONLY.store(report_only, Ordering::Relaxed);
}

/// Reports a mistake that a heap has noticed: prints `xalloc: CALL(): ADDRESS: what` (or, in a copy with a prefix, `my:
/// my_CALL(): …`), and ends the process unless [`set_report_only`] says otherwise.
#[cold]
#[inline(never)]
pub fn report(incident: Incident) {
    let mut line = begin(name(incident.call), incident.address);
    describe(&mut line, incident.misuse);
    end(line);
}

/// Reports a pointer that no heap made; `what` says what is at the address.
#[cold]
#[inline(never)]
pub fn report_unknown(call: Call, address: usize, what: &[&[u8]]) {
    let mut line = begin(name(call), address);
    for part in what {
        line.bytes(part);
    }
    end(line);
}

/// Reports why a heap of the program's own did not do what its `function` was to do with a pointer. The function's name is
/// without the prefix.
#[cold]
#[inline(never)]
pub fn report_refusal(function: &str, address: usize, refusal: Refusal) {
    let mut line = begin(function, address);
    match refusal {
        Refusal::NotMine => {
            line.text("not a block of this heap");
        }
        Refusal::Misuse(misuse) => describe(&mut line, misuse),
    }
    end(line);
}

/// Reports an address that the `function` took for a heap of the program's own. The function's name is without the prefix.
#[cold]
#[inline(never)]
pub fn report_no_heap(function: &str, address: usize) {
    let mut line = begin(function, address);
    line.text("not a heap: destroyed before, or never one");
    end(line);
}

fn begin(function: &str, address: usize) -> Line {
    let mut line = Line::signed();
    if let Some(prefix) = stderr::prefix() {
        line.bytes(prefix.to_bytes()).text("_");
    }
    line.text(function).text("(): ").address(address).text(": ");
    line
}

fn end(mut line: Line) {
    line.end();
    // Relaxed: see `set_report_only`.
    if !REPORT_ONLY.load(Ordering::Relaxed) {
        xalloc_os::syscall::abort();
    }
}

fn name(call: Call) -> &'static str {
    match call {
        Call::Malloc => "malloc",
        Call::Free => "free",
        Call::Realloc => "realloc",
        Call::UsableSize => "malloc_usable_size",
    }
}

fn describe(line: &mut Line, misuse: Misuse) {
    let block = |line: &mut Line, size| {
        line.text("a block of ").number(size).text(" bytes");
    };
    match misuse {
        Misuse::FreedBefore { size } => block(line.text("freed before: "), size),
        Misuse::Interior { offset, size } => {
            block(line.text("interior pointer: ").number(offset).text(" bytes into "), size);
        }
        Misuse::FreeMemory => {
            line.text("free memory of the heap: freed before, or never a block");
        }
        Misuse::Overwritten { size } => block(line.text("written to after it was freed: "), size),
    }
}
