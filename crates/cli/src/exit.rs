//! The meaning of the command's exit codes; docs/command.md lists them for users. 0 is success, and `run` returns the program's
//! own code.

/// The code if the command found what it looked for, or if a run failed.
pub const FOUND: u8 = 1;
/// The code if the command was called wrongly, or if what it was given cannot be used; clap uses the same.
pub const WRONG_USAGE: u8 = 2;
/// The code if an allocator is not found.
pub const NO_ALLOCATOR: u8 = 3;
/// The code if the program cannot run under the allocator.
pub const CANNOT_RUN: u8 = 4;
/// The code if the file is not a program that can be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The code if there is no such program.
pub const NO_PROGRAM: u8 = 127;
/// The code after an interrupt from the keyboard: 128 and the signal's number, as shells return it.
#[cfg(target_os = "linux")]
pub const INTERRUPTED: u8 = 128 + libc::SIGINT as u8;
