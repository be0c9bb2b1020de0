//! Which allocators there are, which of them this machine has, and where the others can be had.

mod choice;
mod detect;
mod install;
mod places;
mod version;

pub use choice::{Choice, NotFound, choose};
#[cfg(test)]
pub use detect::Found;
pub use detect::{Detection, detect};
pub use install::Instructions;

use std::path::Path;
use xalloc_layers::{Catalogue, Directories, System};

/// The name of the C library's own malloc in the catalogue.
pub const SYSTEM: &str = "default";
/// Our own name in the catalogue.
pub const OWN: &str = "xalloc";

/// The user's layers and our own. Not the project's: what is run must not depend on who made the directory one is in.
pub fn layers() -> Catalogue {
    Catalogue::with(Directories { project: None, ..Directories::of(Path::new("/")) })
}

/// The system this command runs on.
pub fn system() -> System {
    if cfg!(target_os = "macos") { System::Macos } else { System::Linux }
}

/// The variable that names libraries to load in front of all others, here.
pub fn preload_variable() -> &'static str {
    system().preload_variable().expect("Linux and macOS have one")
}
