//! What the command's exit codes mean; docs/command.md has the list for users. 0 is success, and `run` returns the program's own.

/// The command found what it was asked to look for, or a run failed.
pub const FOUND: u8 = 1;
/// The command was called wrongly, or what it was given cannot be used; clap uses the same.
pub const WRONG_USAGE: u8 = 2;
/// An allocator is not found.
pub const NO_ALLOCATOR: u8 = 3;
/// The program cannot run under the allocator.
pub const CANNOT_RUN: u8 = 4;
/// The file is no program that can be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
pub const NO_PROGRAM: u8 = 127;
/// Interrupted from the keyboard: 128 and the signal's number, as shells have it.
#[cfg(target_os = "linux")]
pub const INTERRUPTED: u8 = 128 + libc::SIGINT as u8;
