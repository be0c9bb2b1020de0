//! The meaning of `-a NAME`: an allocator of the catalogue, or any library.

use super::detect::{Found, check};
use super::{Instructions, OWN, detect, misleading, named};
use crate::library;
use crate::preload;
use anyhow::{Context, Result, bail};
use std::fmt;
use std::path::{Path, PathBuf};
use xalloc_layers::Allocator;

/// An allocator under which a program is run.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The name that the user typed.
    pub name: String,
    /// The allocator in the catalogue; `None` for a library that was named by its path.
    pub allocator: Option<Allocator>,
    /// The allocator's library; `None` for the C library's own malloc.
    pub library: Option<Found>,
}

/// The error for an allocator that is in the catalogue, or was named by a path, and cannot be used here.
#[derive(Debug, thiserror::Error)]
pub struct NotFound(String);

impl fmt::Display for NotFound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns the allocator that `name` means: one of the catalogue, or the library at a path (a name with a slash).
///
/// # Errors
/// [`NotFound`] if it is not on this machine. Any other error is a wrong name, or a file that is not such a library.
pub fn choose(name: &str) -> Result<Choice> {
    if name.contains('/') {
        return by_path(name);
    }
    let allocator = named(name)?;
    if allocator.is_system() {
        return Ok(Choice { name: name.into(), allocator: Some(allocator), library: None });
    }
    let detection = detect(&allocator);
    match detection.found {
        Some(found) => Ok(Choice { name: name.into(), allocator: Some(allocator), library: Some(found) }),
        None => Err(NotFound(not_found(&allocator, &detection)).into()),
    }
}

fn not_found(allocator: &Allocator, detection: &super::Detection) -> String {
    // A user who names a file does not want a package.
    if let ([wrong], true) = (detection.rejected.as_slice(), allocator.name == OWN && library::named().is_some()) {
        return format!("{} {}", wrong.path.display(), wrong.reason);
    }
    let files = allocator.preload_files(preload::system());
    let mut text = format!("allocator '{}' is not on this machine", allocator.name);
    if files.is_empty() {
        text += ", and no library of it is known for this system";
    } else {
        text += &format!(": no {}", files.join(", no "));
    }
    for rejected in detection.rejected.iter().chain(&misleading(allocator)) {
        text += &format!("\n{} {}", rejected.path.display(), rejected.reason);
    }
    format!("{text}\n{}", Instructions::of(allocator))
}

fn by_path(name: &str) -> Result<Choice> {
    let path = std::path::absolute(name).with_context(|| format!("cannot find {name}"))?;
    let binary = match check(&path) {
        Ok(binary) => binary,
        Err(_) if !path.exists() => return Err(NotFound(format!("there is no library {name}")).into()),
        Err(reason) => bail!("{}", unusable(&path, &reason)),
    };
    let library = Found { soname: binary.soname, path };
    Ok(Choice { name: name.into(), allocator: None, library: Some(library) })
}

fn unusable(path: &Path, reason: &str) -> String {
    let text = format!("{} {reason}", path.display());
    // The proxy is in the directory of the library to which it belongs.
    let proxy: Option<PathBuf> = path.file_name().and_then(|name| {
        let (stem, rest) = name.to_str()?.split_once(".so")?;
        Some(path.with_file_name(format!("{stem}_proxy.so{rest}")))
    });
    match proxy.filter(|proxy| check(proxy).is_ok()) {
        Some(proxy) => format!("{text}; {} does", proxy.display()),
        None => format!("{text}; name a shared library that defines malloc, or an allocator of xalloc list"),
    }
}
