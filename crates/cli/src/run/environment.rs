//! Assignments for a shell.

use crate::{catalogue, preload};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The variables to set, and those to unset (`None`).
pub type Changes = BTreeMap<String, Option<OsString>>;

/// Prints `export NAME=VALUE`, or `unset NAME`, for each variable.
pub fn print(changes: &Changes) -> Result<()> {
    for (name, value) in changes {
        match value {
            Some(value) => {
                let value = value.to_str().with_context(|| format!("the value of {name} is no text"))?;
                println!("export {name}={}", shlex::try_quote(value).context("a shell cannot hold a NUL")?);
            }
            None => println!("unset {name}"),
        }
    }
    Ok(())
}

/// Returns the changes that remove the libraries of all known allocators from the preload variable, and the proxy's setting
/// from ours.
pub fn without_allocators() -> Result<Changes> {
    let mut changes = Changes::new();
    let variable = preload::variable();
    if let Some(value) = std::env::var_os(variable) {
        change(&mut changes, variable, &value, ":", &without(&value, &known_files()?));
    }
    if let Some(value) = std::env::var_os("XALLOC_CONF") {
        let text = value.to_string_lossy().into_owned();
        let rest: Vec<String> = text.split(',').filter(|&option| option.trim() != PROXY).map(str::to_owned).collect();
        change(&mut changes, "XALLOC_CONF", &value, ",", &rest);
    }
    Ok(changes)
}

/// Returns the changes that unset all variables which `env` sets for an allocator. Those of the C library's own malloc stay,
/// because it is used then.
pub fn without_options() -> Result<Changes> {
    let (allocators, _) = catalogue::layers().allocators()?;
    let others = allocators.iter().filter(|allocator| !allocator.is_system());
    let names = others.flat_map(|allocator| {
        let options = allocator.options.values().map(|option| &option.variable);
        options.chain(allocator.ld_preload.environment.keys())
    });
    Ok(names.filter(|name| std::env::var_os(name).is_some()).map(|name| (name.clone(), None)).collect())
}

/// The option that makes libxalloc a proxy.
const PROXY: &str = "heap:system";

fn change(changes: &mut Changes, variable: &str, before: &OsStr, separator: &str, rest: &[String]) {
    let after = OsString::from(rest.join(separator));
    if after != before {
        changes.insert(variable.to_owned(), (!after.is_empty()).then_some(after));
    }
}

/// Returns the value of the preload variable without the libraries of known allocators.
pub fn preloaded_besides_allocators() -> Result<OsString> {
    let value = std::env::var_os(preload::variable()).unwrap_or_default();
    Ok(without(&value, &known_files()?).join(":").into())
}

/// Returns the file names that allocators' libraries have.
fn known_files() -> Result<BTreeSet<String>> {
    let (allocators, _) = catalogue::layers().allocators()?;
    Ok(allocators.iter().flat_map(|allocator| allocator.preload_files(preload::system())).cloned().collect())
}

/// Returns the libraries in a value of the variable, without those whose file's name is in `files`. The loader splits at blanks
/// too.
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
