//! Assignments for a shell.

use crate::catalogue::{self, preload_variable};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Prints `export NAME=VALUE` for each variable.
pub fn print(environment: &BTreeMap<String, OsString>) -> Result<()> {
    for (name, value) in environment {
        let value = value.to_str().with_context(|| format!("the value of {name} is no text"))?;
        println!("export {name}={}", quoted(value)?);
    }
    Ok(())
}

fn quoted(value: &str) -> Result<String> {
    Ok(shlex::try_quote(value).context("a shell cannot hold a NUL")?.into_owned())
}

/// Prints what takes the libraries of all known allocators out of the preload variable.
pub fn print_without_allocators() -> Result<()> {
    let variable = preload_variable();
    let Some(value) = std::env::var_os(variable) else { return Ok(()) };
    let rest = without(&value, &known_files()?);
    if rest.is_empty() {
        println!("unset {variable}");
        return Ok(());
    }
    println!("export {variable}={}", quoted(&rest.join(":"))?);
    Ok(())
}

/// The names that allocators' libraries have.
fn known_files() -> Result<BTreeSet<String>> {
    let allocators = catalogue::layers().allocators()?;
    Ok(allocators.iter().flat_map(|allocator| allocator.preload_files(catalogue::system())).cloned().collect())
}

/// The libraries in a value of the variable, without those whose file's name is in `files`. The loader splits at blanks too.
fn without(value: &OsStr, files: &BTreeSet<String>) -> Vec<String> {
    let text = value.to_string_lossy();
    let libraries = text.split([':', ' ']).filter(|path| !path.is_empty());
    let is_known =
        |path: &str| Path::new(path).file_name().and_then(OsStr::to_str).is_some_and(|name| files.contains(name));
    libraries.filter(|path| !is_known(path)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocators_are_taken_out_and_the_rest_stays() {
        let files = known_files().unwrap();
        let rest = without(OsStr::new("/x/libxalloc.so:/lib/libasan.so.8 /y/libjemalloc.so.2"), &files);
        assert_eq!(rest, ["/lib/libasan.so.8"]);
        assert!(without(OsStr::new("libmimalloc.so.2"), &files).is_empty());
    }
}
