//! The command's exit codes, as documented in docs/compare.md. 0 is success; `run` returns the program's own.

/// What was looked for was found, or a run failed.
pub const FOUND: u8 = 1;
/// Wrong usage or configuration; clap uses the same.
pub const USAGE: u8 = 2;
/// An allocator is not found.
pub const NO_ALLOCATOR: u8 = 3;
/// The program exists and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The program does not exist.
pub const NO_PROGRAM: u8 = 127;
/// Interrupted from the keyboard: 128 and the signal's number, as shells have it.
pub const INTERRUPTED: u8 = 128 + libc::SIGINT as u8;
