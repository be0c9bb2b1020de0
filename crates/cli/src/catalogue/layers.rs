//! What the layers say of allocators.

use anyhow::{Result, anyhow, ensure};
use std::path::Path;
use xalloc_layers::{Allocator, Catalogue, Directories, Problem};

/// Our own name in the catalogue.
pub const OWN: &str = "xalloc";

/// The user's layers and our own. Not the project's: what is run must not depend on who made the directory one is in.
pub fn layers() -> Catalogue {
    Catalogue::with(Directories { project: None, ..Directories::of(Path::new("/")) })
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
