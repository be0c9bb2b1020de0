//! No circle of files in any crate: what a file uses does not lead back to it.
//!
//! An arrow goes from each file that names something (`use`, or a path in its code) to the file that declares it, and from each
//! file that calls a method of `self` to the file whose `impl` block has it. `mod` and `pub use` are no arrows. Calls of other
//! values' methods are not seen: no parser knows whose they are.

mod arrows;
mod circles;
mod made_up;
mod members;
mod names;
mod resolve;
mod tree;

use cargo_metadata::{MetadataCommand, Package};
use std::path::{Path, PathBuf};

#[test]
fn no_crate_has_a_circle_of_files() {
    let packages = packages();
    let mut problems = Vec::new();
    for package in &packages {
        let directory = package.manifest_path.parent().expect("a manifest is in a directory");
        let roots: Vec<&Path> = package.targets.iter().map(|target| target.src_path.as_std_path()).collect();
        let found = circles::problems(directory.as_std_path(), &roots);
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", package.name)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every package of the checkout, those that are not in the workspace too.
fn packages() -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    // The workspace's manifest comes first, with all its members.
    for manifest in manifests(xalloc_tests::checkout(), 3) {
        if !packages.iter().any(|package| package.manifest_path == manifest) {
            let metadata = MetadataCommand::new().manifest_path(&manifest).no_deps().exec().expect("cargo reads it");
            packages.extend(metadata.packages);
        }
    }
    packages
}

/// The manifests in `directory` and so many levels below it, from the top down.
fn manifests(directory: &Path, levels: usize) -> Vec<PathBuf> {
    let own = Some(directory.join("Cargo.toml")).filter(|manifest| manifest.exists());
    let mut manifests = Vec::from_iter(own);
    if levels > 0 {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if entry.path().is_dir() && !is_hidden && entry.file_name() != "target" {
                manifests.extend(self::manifests(&entry.path(), levels - 1));
            }
        }
    }
    manifests
}
