//! How processes end, in words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The name of a signal: `SIGSEGV`.
pub fn signal_name(signal: i32) -> String {
    // The standard library has the names, in its own words: "signal: 11 (SIGSEGV)".
    let text = ExitStatus::from_raw(signal).to_string();
    match text.split_once('(').and_then(|(_, name)| name.split_once(')')) {
        Some((name, _)) => name.to_owned(),
        None => format!("signal {signal}"),
    }
}
