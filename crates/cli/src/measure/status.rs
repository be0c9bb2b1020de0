//! The ends of processes, in words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Returns the name of a signal: `SIGSEGV`.
pub fn signal_name(signal: i32) -> String {
    // The standard library knows the names, and writes "signal: 11 (SIGSEGV)".
    let text = ExitStatus::from_raw(signal).to_string();
    match text.split_once('(').and_then(|(_, name)| name.split_once(')')) {
        Some((name, _)) => name.to_owned(),
        None => format!("signal {signal}"),
    }
}
