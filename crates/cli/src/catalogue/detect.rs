//! Detects whether this machine has an allocator's library. A file counts only if it is for this machine and really replaces
//! malloc.

use super::layers::{OWN, layers};
use super::places;
use crate::binary::{Binary, Format, Linking, Machine};
use crate::{library, preload};
use anyhow::Result;
#[cfg(target_os = "linux")]
use anyhow::{Context, anyhow};
use serde::Serialize;
use std::path::{Path, PathBuf};
use xalloc_layers::Allocator;

/// An allocator's library on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The path that the loader gets.
    pub path: PathBuf,
    /// The name by which programs need it.
    pub soname: Option<String>,
}

/// A file with a fitting name that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The path of the file.
    pub path: PathBuf,
    /// The reason, as the end of a sentence: "it …".
    pub reason: String,
}

/// The result of looking for an allocator's library.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Detection {
    /// The library to use.
    pub found: Option<Found>,
    /// The files that looked like it and cannot be used.
    pub rejected: Vec<Rejected>,
}

/// Looks for an allocator's library.
pub fn detect(allocator: &Allocator) -> Detection {
    let is_own = allocator.name == OWN;
    // If the user has named a library, no other one is used.
    if let Some(path) = library::named().filter(|_| is_own) {
        let mut detection = first([std::path::absolute(&path).unwrap_or(path)]);
        for rejected in &mut detection.rejected {
            rejected.reason += &format!("; {} names it: correct it, or unset it", library::VARIABLE);
        }
        return detection;
    }
    let own = is_own.then(library::own).and_then(Result::ok);
    let names = allocator.preload_files(preload::system());
    let mut detection = first(own.into_iter().chain(names.iter().flat_map(|name| places::candidates(name))));
    if cfg!(target_os = "linux") && is_own && library::command_directory().is_err() {
        let reason =
            "does not tell where this command is, whose library may be beside it; is /proc mounted?".to_owned();
        detection.rejected.push(Rejected { path: "/proc/self/exe".into(), reason });
    }
    detection
}

/// Returns the names of the allocators that this machine has.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn here() -> Result<Vec<String>> {
    let (allocators, _) = layers().allocators()?;
    let here = allocators.into_iter().filter(|allocator| allocator.is_system() || detect(allocator).found.is_some());
    Ok(here.map(|allocator| allocator.name).collect())
}

/// Returns the first of the files that can be preloaded, and those before it that cannot.
fn first(paths: impl IntoIterator<Item = PathBuf>) -> Detection {
    let mut detection = Detection::default();
    for path in paths {
        match check(&path) {
            Ok(binary) => {
                detection.found = Some(Found { soname: binary.soname, path });
                break;
            }
            Err(reason) => detection.rejected.push(Rejected { path, reason }),
        }
    }
    detection
}

/// Returns libraries that are named after the allocator but do not replace malloc: if they are preloaded, nothing happens.
pub fn misleading(allocator: &Allocator) -> Vec<Rejected> {
    let names = places::names_that_begin_with(&format!("lib{}.so", allocator.name));
    let known = allocator.preload_files(preload::system());
    let others = names.into_iter().filter(|name| !known.iter().any(|known| known == name));
    let paths = others.flat_map(places::candidates);
    paths.filter_map(|path| Some(Rejected { reason: check(&path).err()?, path })).collect()
}

/// Returns the real path of a library, if the loader can use it in malloc's place.
///
/// # Errors
/// The reason why it cannot be used.
#[cfg(target_os = "linux")]
pub fn usable(path: &Path) -> Result<PathBuf> {
    let library = path.canonicalize().with_context(|| format!("cannot read the library {}", path.display()))?;
    preload::check_path(&library)?;
    check(&library).map_err(|reason| anyhow!("{} {reason}", library.display()))?;
    Ok(library)
}

/// Reads a library that is to be preloaded here. The error says why it cannot be, as the end of a sentence: "it …".
pub fn check(path: &Path) -> Result<Binary, String> {
    let binary = check_for_any_machine(path)?;
    let here = Machine::here();
    if binary.format != here.format {
        return Err("is for another system".into());
    }
    if binary.processor != here.processor {
        return Err(format!("is for another machine: {}, and this is {}", binary.processor, here.processor));
    }
    Ok(binary)
}

/// Reads a library that is to be preloaded somewhere. The error is as for [`check`].
pub fn check_for_any_machine(path: &Path) -> Result<Binary, String> {
    if !path.exists() {
        return Err("does not exist".into());
    }
    let binary = Binary::read(path).map_err(|error| format!("cannot be read: {}", error.root_cause()))?;
    // Some libraries can also be executed; they still have a name.
    if binary.linking != Linking::Library && binary.soname.is_none() {
        return Err("is no shared library".into());
    }
    let missing: Vec<&str> = ["malloc", "free"].into_iter().filter(|name| !replaces(&binary, name)).collect();
    if !missing.is_empty() {
        return Err(format!("does not replace malloc: it exports no {}", missing.join(" and no ")));
    }
    Ok(binary)
}

/// Returns whether the library replaces the function `name`. On macOS it does so by a table, and imports the function.
fn replaces(binary: &Binary, name: &str) -> bool {
    binary.exports.contains(name) || (binary.format == Format::MachO && binary.imports.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_may_be_executable_and_a_program_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let compile = |name: &str, flags: &[&str]| {
            let (source, output) = (directory.path().join(format!("{name}.c")), directory.path().join(name));
            let text = "const char loader[] __attribute__((section(\".interp\"))) = \"/lib/ld.so\"; \
                        void *malloc(unsigned long size) { return 0; } void free(void *block) {} int main(void) { return 0; }";
            std::fs::write(&source, text).unwrap();
            let status =
                std::process::Command::new("cc").args(["-w", "-o"]).args([&output, &source]).args(flags).status();
            assert!(status.expect("cc is installed").success());
            output
        };
        let library = check(&compile("executable.so", &["-shared", "-fPIC", "-Wl,-soname,libmine.so"])).unwrap();
        assert!(library.interpreter.is_some());
        assert_eq!(check(&compile("program", &["-rdynamic"])).unwrap_err(), "is no shared library");
    }

    #[test]
    fn a_library_of_macos_replaces_what_it_imports() {
        let mut binary = Binary::read(&std::env::current_exe().unwrap()).unwrap();
        (binary.format, binary.exports, binary.imports) = (Format::MachO, [].into(), ["malloc".to_owned()].into());
        assert!(replaces(&binary, "malloc") && !replaces(&binary, "free"));
        binary.format = Format::Elf;
        assert!(!replaces(&binary, "malloc"));
    }
}
