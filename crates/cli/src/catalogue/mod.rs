//! Which allocators there are, which of them this machine has, and where the others can be had.

#[cfg(target_os = "linux")]
pub mod candidate;
mod choice;
mod detect;
mod install;
mod places;
mod setting;
pub mod version;

pub use choice::{Choice, NotFound, choose};
#[cfg(test)]
pub use detect::Found;
#[cfg(target_os = "linux")]
pub use detect::usable;
pub use detect::{Detection, check_for_any_machine, detect, misleading};
pub use install::Instructions;
pub use setting::Setting;

use anyhow::{Result, anyhow, ensure};
use std::path::Path;
use xalloc_layers::{Allocator, Catalogue, Directories, Problem, System};

pub use xalloc_layers::SYSTEM;
/// Our own name in the catalogue.
pub const OWN: &str = "xalloc";

/// The user's layers and our own. Not the project's: what is run must not depend on who made the directory one is in.
pub fn layers() -> Catalogue {
    Catalogue::with(Directories { project: None, ..Directories::of(Path::new("/")) })
}

/// The names of the allocators that this machine has.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn here() -> Result<Vec<String>> {
    let (allocators, _) = layers().allocators()?;
    let here = allocators.into_iter().filter(|allocator| allocator.is_system() || detect(allocator).found.is_some());
    Ok(here.map(|allocator| allocator.name).collect())
}

/// The allocator of the catalogue that has this name.
///
/// # Errors
/// There is none, with the nearest name; or its layer is wrong.
pub fn named(name: &str) -> Result<Allocator> {
    layers().allocator(name).map_err(|error| {
        let nearest = match error.problem.as_ref() {
            Problem::NotFound { nearest, .. } => nearest.as_deref(),
            Problem::NotALayer { .. } => None,
            _ => return error.into(),
        };
        let nearest = nearest.map(|layer| layer.rsplit('/').next().unwrap_or(layer));
        let question = match nearest {
            _ if Path::new(name).is_file() => format!("; for the file of this name, write ./{name}"),
            Some(nearest) => format!("; did you mean '{nearest}'?"),
            None => String::new(),
        };
        anyhow!("there is no allocator '{name}'{question} (xalloc list shows all)")
    })
}

/// What an allocator's layer sets in the environment beside the preload, but for what the user has set.
///
/// # Errors
/// It has a variable, which only compositions have a value for.
pub fn beside_preload(allocator: &Allocator) -> Result<Vec<(String, String)>> {
    let mut beside = Vec::new();
    for (name, text) in &allocator.ld_preload.environment {
        let layer = allocator.layer_name();
        ensure!(!text.value.contains("{{"), "{name} of {layer} is {}: variables are for compositions", text.value);
        if std::env::var_os(name).is_none() {
            beside.push((name.clone(), text.value.clone()));
        }
    }
    Ok(beside)
}

/// The system this command runs on.
pub fn system() -> System {
    if cfg!(target_os = "macos") { System::Macos } else { System::Linux }
}

/// The variable that names libraries to load in front of all others, here.
pub fn preload_variable() -> &'static str {
    system().preload_variable().expect("Linux and macOS have one")
}
