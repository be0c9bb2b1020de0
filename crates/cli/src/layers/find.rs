//! Where this machine has an allocator's library.

use std::env::consts::{ARCH, OS};
use std::path::PathBuf;
use xalloc_layers::{Allocator, System};

/// The library to preload: the best name first, then the directories in the loader's order.
pub fn library(allocator: &Allocator) -> Option<PathBuf> {
    let system: System = OS.parse().ok()?;
    let directories = directories(system);
    let mut names = allocator.preload_files(system).iter();
    names.find_map(|name| directories.iter().map(|directory| directory.join(name)).find(|path| path.is_file()))
}

/// The user's own directories, those beside this command (for libxalloc), then the system's.
fn directories(system: System) -> Vec<PathBuf> {
    let path = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = std::env::split_paths(&path).filter(|path| path.is_absolute()).collect();
    if let Some(own) = std::env::current_exe().ok().as_deref().and_then(|command| command.parent()) {
        directories.push(own.to_owned());
        directories.extend(own.parent().map(|prefix| prefix.join("lib")));
    }
    let of_system: &[String] = match system {
        System::Linux => &[
            "/usr/local/lib".into(),
            format!("/usr/lib/{ARCH}-linux-gnu"),
            format!("/lib/{ARCH}-linux-gnu"),
            "/usr/lib64".into(),
            "/lib64".into(),
            "/usr/lib".into(),
            "/lib".into(),
        ],
        System::Macos => &["/opt/homebrew/lib".into(), "/usr/local/lib".into()],
        System::Windows => &[],
    };
    directories.extend(of_system.iter().map(PathBuf::from));
    directories
}
