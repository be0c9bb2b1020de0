//! What the command's exit codes mean.

/// Wrong usage or configuration.
pub const USAGE: u8 = 2;
