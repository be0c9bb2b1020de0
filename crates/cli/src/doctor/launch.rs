//! How the program is started, with the library preloaded.

use crate::descriptors;
use crate::preload;
use crate::signals;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// The program, and how it is started.
pub struct Launch<'a> {
    /// The program, as the user named it.
    pub program: &'a OsStr,
    /// The program's arguments.
    pub arguments: &'a [OsString],
    /// The library that is preloaded, before anything that is preloaded already.
    pub library: &'a Path,
    /// Whether the loader logs what it binds.
    pub log_bindings: bool,
}

impl Launch<'_> {
    /// Returns the command, with this command's own standard input, output and error.
    pub fn command(&self, log: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.arguments);
        preload::put_first(&mut command, self.library);
        if self.log_bindings {
            command.env("LD_DEBUG", "bindings").env("LD_DEBUG_OUTPUT", log);
        }
        signals::inherit(&mut command);
        descriptors::inherit(&mut command);
        command
    }
}
