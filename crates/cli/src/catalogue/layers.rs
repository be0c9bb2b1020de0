//! The allocators' layers.

use anyhow::{Result, anyhow, ensure};
use std::path::Path;
use xalloc_layers::{Allocator, Catalogue, Directories, Problem};

/// The name of our own allocator in the catalogue.
pub const OWN: &str = "xalloc";

/// Returns the catalogue of the built-in layers and the user's. The project's are left out: what is run must not depend on who
/// made the current directory.
pub fn layers() -> Catalogue {
    Catalogue::with(Directories { project: None, ..Directories::of(Path::new("/")) })
}

/// Returns the allocator of the catalogue that has this name.
///
/// # Errors
/// There is none (then with the nearest name), or its layer is wrong.
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

/// Returns the variables that an allocator's layer sets besides the preload, except those that the user has set.
///
/// # Errors
/// The layer uses a `{{variable}}`, for which only compositions have a value.
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
