//! The allocators to compare: libxalloc, the system's malloc (nothing is preloaded), the peers that were built, and those of
//! `xalloc list`.

use crate::catalogue;
use crate::catalogue::candidate::{Candidate, pick};
use crate::refusal::Refusal;
use anyhow::Result;
use std::path::{Path, PathBuf};

pub use crate::catalogue::{OWN, SYSTEM as BASE};

/// Returns the allocators of `xalloc list` that this machine has, except ours and the system's.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn listed() -> Result<Vec<Candidate>> {
    let (allocators, errors) = catalogue::layers().allocators()?;
    errors.iter().for_each(|error| eprintln!("xalloc bench: {error}"));
    let others = allocators.into_iter().filter(|allocator| !allocator.is_system() && allocator.name != OWN);
    let found = others.filter_map(|allocator| {
        let library = catalogue::detect(&allocator).found?.path;
        Some(Candidate::of(&allocator, &library))
    });
    Ok(found.collect())
}

/// Returns the allocators that `wanted` names, or all of them. A peer that was built has precedence over a `listed` one with
/// the same name or the same file. A library that cannot be loaded is refused, because its numbers would be those of the
/// system's malloc.
///
/// # Errors
/// A name is not known, or a library cannot be used.
pub fn choose(
    library: &Path,
    peers: &Path,
    listed: Vec<Candidate>,
    wanted: &[String],
) -> Result<Vec<Candidate>, Refusal> {
    let mut known = vec![Candidate::preloading(OWN, library), Candidate { name: BASE.into(), ..Candidate::default() }];
    known.extend(found(peers));
    for allocator in listed {
        if known.iter().all(|other| other.name != allocator.name && file(other) != file(&allocator)) {
            known.push(allocator);
        }
    }
    if !wanted.is_empty() {
        let others = format!(" (scripts/peers puts more into {}; NAME=LIBRARY takes any)", peers.display());
        return pick(wanted, &known, &others)?.into_iter().map(usable).collect();
    }
    if known.len() == 2 {
        eprintln!("xalloc bench: no other allocator is here; scripts/peers puts some into {}", peers.display());
    }
    let mut all = Vec::new();
    for allocator in known {
        let name = allocator.name.clone();
        match usable(allocator) {
            Ok(allocator) => all.push(allocator),
            // Our own allocator is required: the comparison is about it.
            Err(error) if name == OWN => return Err(error),
            Err(error) => eprintln!("xalloc bench: {name} is left out: {error}"),
        }
    }
    Ok(all)
}

/// Returns the real path of the library, whatever other names it has.
fn file(candidate: &Candidate) -> Option<PathBuf> {
    candidate.library.as_ref()?.canonicalize().ok()
}

/// Returns the candidate if its library can be preloaded.
fn usable(candidate: Candidate) -> Result<Candidate, Refusal> {
    match candidate.obstacle {
        None => Ok(candidate),
        Some(obstacle) => Err(Refusal::wrong_usage(obstacle)),
    }
}

/// Returns the libraries in the peers' directory, with their names.
pub fn found(peers: &Path) -> Vec<Candidate> {
    let mut all: Vec<_> = std::fs::read_dir(peers)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "so") && path.exists())
        .filter_map(|path| Some(Candidate::preloading(path.file_stem()?.to_str()?, &path)))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn compile(library: &Path) {
        let source = library.with_extension("c");
        std::fs::write(&source, "void *malloc(unsigned long size) { return 0; } void free(void *block) {}").unwrap();
        let status = Command::new("cc").args(["-w", "-shared", "-fPIC", "-o"]).args([library, &source]).status();
        assert!(status.expect("cc is installed").success());
    }

    fn names(allocators: &[Candidate]) -> Vec<&str> {
        allocators.iter().map(|allocator| allocator.name.as_str()).collect()
    }

    #[test]
    fn finds_by_name_and_by_path_and_says_what_there_is() {
        let directory = xalloc_tests::preloadable();
        let (library, peer) = (directory.path().join("libxalloc.so"), directory.path().join("peer.so"));
        compile(&library);
        compile(&peer);
        let others = tempfile::tempdir().unwrap();
        let (other, link) = (others.path().join("libother.so"), others.path().join("libpeer.so.1"));
        compile(&other);
        std::os::unix::fs::symlink(&peer, &link).unwrap();
        let choose = |library: &Path, peers: &Path, wanted: &[String]| {
            let listed = [("peer", &other), ("other", &other), ("same", &link)];
            let listed = listed.map(|(name, library)| Candidate::preloading(name, library));
            choose(library, peers, listed.into(), wanted)
        };
        let all = choose(&library, directory.path(), &[]).unwrap();
        assert_eq!(names(&all), ["xalloc", "system", "libxalloc", "peer", "other"]);
        assert_eq!(all[3].library.as_ref(), Some(&peer.canonicalize().unwrap()));
        let one = choose(&library, directory.path(), &[format!("mine={}", library.display())]).unwrap();
        assert_eq!(names(&one), ["mine"]);
        let with_option = choose(&library, directory.path(), &["xalloc:purge_ms=10".into()]).unwrap();
        assert_eq!(with_option[0].environment, [("XALLOC_CONF".into(), "purge_ms:10".into())]);
        for name in ["system", "default", "glibc"] {
            assert_eq!(names(&choose(&library, directory.path(), &[name.into()]).unwrap()), ["system"]);
        }
        let error = choose(&library, directory.path(), &["pear".into()]).unwrap_err().to_string();
        assert!(error.contains("peer") && error.contains("scripts/peers"), "{error}");
        assert!(choose(&library, directory.path(), &["x=/no/such/file".into()]).is_err());
        let twice = choose(&library, directory.path(), &["peer".into(), format!("peer={}", library.display())]);
        assert!(twice.unwrap_err().message.contains("names 'peer' twice"));
        assert!(choose(&library, directory.path(), &[format!("glibc={}", peer.display())]).is_err());
    }

    #[test]
    fn what_the_loader_would_leave_out_is_refused() {
        let directory = xalloc_tests::preloadable();
        let (library, text) = (directory.path().join("libxalloc.so"), directory.path().join("text.so"));
        compile(&library);
        std::fs::write(&text, "no library").unwrap();
        std::fs::create_dir(directory.path().join("a b")).unwrap();
        let blank = directory.path().join("a b/blank.so");
        compile(&blank);
        let refusal =
            |library: &Path, wanted: &[String]| choose(library, directory.path(), vec![], wanted).unwrap_err().message;
        assert!(refusal(&library, &[format!("x={}", text.display())]).contains("neither a program nor a library"));
        assert!(refusal(&library, &[format!("x={}", blank.display())]).contains("takes no path with a blank"));
        assert!(refusal(&library, &["text".into()]).contains("neither a program nor a library"));
        assert!(refusal(&text, &[]).contains("neither a program nor a library"));
        // Nobody has asked for it.
        assert_eq!(names(&choose(&library, directory.path(), vec![], &[]).unwrap()), ["xalloc", "system", "libxalloc"]);
    }
}
