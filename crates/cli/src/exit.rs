//! What the command's exit codes mean.

/// The command found what it was asked to look for: an obstacle, a run that failed.
pub const FOUND: u8 = 1;
/// The file is no program that can be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// There is no such program.
pub const NOT_FOUND: u8 = 127;
/// The command was called wrongly, or what it was given cannot be used.
pub const WRONG_USAGE: u8 = 2;
/// An allocator is not found.
pub const NO_ALLOCATOR: u8 = 3;
/// The program cannot run under the allocator.
pub const CANNOT_RUN: u8 = 4;
