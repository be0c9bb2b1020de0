//! The allocators to compare: libxalloc, glibc (nothing preloaded), and whatever library is at hand.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// An allocator under a name.
#[derive(Clone, Debug)]
pub struct Allocator {
    /// What it is called in tables.
    pub name: String,
    /// What is preloaded; nothing for glibc's own.
    pub library: Option<PathBuf>,
}

/// The name of the allocator that all others are compared with.
pub const OWN: &str = "xalloc";
/// The name of the allocator that programs have anyway.
pub const BASE: &str = "glibc";

/// The allocators that `wanted` names, or all there are.
pub fn choose(library: &Path, peers: &Path, wanted: &[String]) -> Result<Vec<Allocator>> {
    let mut known = vec![
        Allocator { name: OWN.into(), library: Some(library.canonicalize().with_context(|| missing(library))?) },
        Allocator { name: BASE.into(), library: None },
    ];
    known.extend(found(peers));
    if wanted.is_empty() {
        if known.len() == 2 {
            eprintln!("xalloc bench: no peers in {}; scripts/peers makes them", peers.display());
        }
        return Ok(known);
    }
    wanted.iter().map(|word| by_word(word, &known, peers)).collect()
}

fn by_word(word: &str, known: &[Allocator], peers: &Path) -> Result<Allocator> {
    if let Some((name, path)) = word.split_once('=') {
        let library = Path::new(path).canonicalize().with_context(|| missing(Path::new(path)))?;
        return Ok(Allocator { name: name.into(), library: Some(library) });
    }
    match known.iter().find(|allocator| allocator.name == word) {
        Some(allocator) => Ok(allocator.clone()),
        None => {
            let names: Vec<_> = known.iter().map(|allocator| allocator.name.as_str()).collect();
            bail!(
                "there is no allocator '{word}'; there are {} (scripts/peers puts more into {}; NAME=LIBRARY takes any)",
                names.join(", "),
                peers.display()
            )
        }
    }
}

fn missing(library: &Path) -> String {
    format!("cannot read the library {}", library.display())
}

/// The libraries in the peers' directory, by name.
fn found(peers: &Path) -> Vec<Allocator> {
    let mut all: Vec<_> = std::fs::read_dir(peers)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "so") && path.exists())
        .filter_map(|path| Some(Allocator { name: path.file_stem()?.to_str()?.into(), library: Some(path) }))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_name_and_by_path_and_says_what_there_is() {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("libxalloc.so");
        std::fs::write(&library, "").unwrap();
        std::fs::write(directory.path().join("peer.so"), "").unwrap();
        std::fs::write(directory.path().join("notes.txt"), "").unwrap();
        let all = choose(&library, directory.path(), &[]).unwrap();
        let names: Vec<_> = all.iter().map(|allocator| allocator.name.as_str()).collect();
        assert_eq!(names, ["xalloc", "glibc", "libxalloc", "peer"]);
        let one = choose(&library, directory.path(), &[format!("mine={}", library.display())]).unwrap();
        assert_eq!(one[0].name, "mine");
        let error = choose(&library, directory.path(), &["pear".into()]).unwrap_err().to_string();
        assert!(error.contains("peer") && error.contains("scripts/peers"), "{error}");
        assert!(choose(&library, directory.path(), &["x=/no/such/file".into()]).is_err());
    }
}
