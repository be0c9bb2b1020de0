//! The output of the command. The standard library's `println!` panics if it cannot write (a full disk), and what was measured
//! is lost. These macros are used instead: the first failure of the standard output is kept for the end, and failures of the
//! standard error are ignored.

use crate::descriptors;
use comfy_table::{ContentArrangement, Table};
use std::fmt::Arguments;
use std::io::{Error, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

static FAILURE: Mutex<Option<Error>> = Mutex::new(None);

/// Prints a line on the standard output.
macro_rules! println {
    () => { $crate::output::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::output::print(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints a text on the standard output.
macro_rules! print {
    ($($text:tt)*) => { $crate::output::print(format_args!($($text)*)) };
}

/// Prints a line on the standard error.
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::output::complain(format_args!("{}\n", format_args!($($text)*))) };
}

/// Makes a table fit the terminal on which it is printed, even if the terminal says that its width is 0.
pub fn fit(table: &mut Table) {
    table.set_content_arrangement(ContentArrangement::Dynamic);
    // Relaxed: as below.
    if IS_ON_STDERR.load(Ordering::Relaxed) {
        table.use_stderr();
    }
    if table.width() == Some(0) {
        table.set_width(100);
    }
}

/// Returns a fraction in per cent, as a whole number from ten on.
pub fn percent(part: f64) -> String {
    let value = part * 100.0;
    if value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// Returns a number with its noun: `1 run`, `2 runs`.
#[cfg(target_os = "linux")]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

static IS_ON_STDERR: AtomicBool = AtomicBool::new(false);

/// Sends all later output to the standard error, because the standard output is used for a file that was asked for.
#[cfg(target_os = "linux")]
pub fn print_on_stderr() {
    // Relaxed: one thread prints.
    IS_ON_STDERR.store(true, Ordering::Relaxed);
}

/// Writes to the standard output, or to the one that [`print_on_stderr`] chose, unless that has failed before.
pub fn print(text: Arguments<'_>) {
    // Relaxed: as above.
    if IS_ON_STDERR.load(Ordering::Relaxed) {
        return complain(text);
    }
    write_on_stdout(text);
}

/// Writes to the standard output, unless that has failed before.
pub fn write_on_stdout(text: Arguments<'_>) {
    print_by(|| std::io::stdout().write_fmt(text));
}

/// Calls `write`, which writes to the standard output itself, unless that has failed before.
pub fn print_by(write: impl FnOnce() -> std::io::Result<()>) {
    let mut failure = FAILURE.lock().expect("nobody panics with it");
    if descriptors::was_closed(libc::STDOUT_FILENO) {
        *failure = Some(Error::from_raw_os_error(libc::EBADF));
    }
    if failure.is_none() {
        *failure = write().err();
    }
}

/// Writes to the standard error, if that can be written to.
pub fn complain(text: Arguments<'_>) {
    let _ = std::io::stderr().write_fmt(text);
}

/// Writes what is still in buffers.
///
/// # Errors
/// The first failure of all output.
pub fn finish() -> std::io::Result<()> {
    let flushed = std::io::stdout().flush();
    match FAILURE.lock().expect("nobody panics with it").take() {
        Some(failure) => Err(failure),
        None => flushed,
    }
}
