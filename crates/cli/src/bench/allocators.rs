//! The allocators to compare: libxalloc, the system's malloc (nothing preloaded), the peers that were built, and those of `xalloc list`.

use crate::catalogue::{self, Choice, NotFound};
use crate::refusal::Refusal;
use anyhow::Result;
use std::path::{Path, PathBuf};
use xalloc_layers::{Kind, SYSTEM, canonical};

/// An allocator under a name.
#[derive(Clone, Debug)]
pub struct Allocator {
    /// What it is called in tables.
    pub name: String,
    /// What is preloaded; nothing for the system's own.
    pub library: Option<PathBuf>,
    /// What its layer sets beside the preload.
    pub environment: Vec<(String, String)>,
}

/// The name of the allocator that all others are compared with.
pub const OWN: &str = "xalloc";
/// The name of the allocator that programs have anyway.
pub const BASE: &str = SYSTEM;

/// The allocators of `xalloc list` that are on this machine, but for ours and the system's.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn listed() -> Result<Vec<Allocator>> {
    let (allocators, errors) = catalogue::layers().allocators()?;
    errors.iter().for_each(|error| eprintln!("xalloc bench: {error}"));
    let others = allocators.into_iter().filter(|allocator| !allocator.is_system() && allocator.name != OWN);
    let found = others.filter_map(|allocator| {
        let library = catalogue::detect(&allocator).found?.path;
        Some(Allocator::of(&allocator, &library))
    });
    found.collect()
}

/// The allocators that `wanted` names, or all there are: a peer that was built before one that is `listed` and has the same name or
/// is the same file. A library that is not loaded would have the numbers of the system's malloc.
///
/// # Errors
/// A name that is not known, or a library that cannot be used.
pub fn choose(
    library: &Path,
    peers: &Path,
    listed: Vec<Allocator>,
    wanted: &[String],
) -> Result<Vec<Allocator>, Refusal> {
    let mut known = vec![
        Allocator::preloading(OWN, library),
        Allocator { name: BASE.into(), library: None, environment: Vec::new() },
    ];
    known.extend(found(peers));
    for allocator in listed {
        if known.iter().all(|other| other.name != allocator.name && other.file() != allocator.file()) {
            known.push(allocator);
        }
    }
    if !wanted.is_empty() {
        let mut chosen: Vec<Allocator> = Vec::new();
        for word in wanted {
            let allocator = by_word(word, &known, peers)?.usable()?;
            if chosen.iter().any(|other| other.name == allocator.name) {
                let name = allocator.name;
                return Err(Refusal::wrong_usage(format!(
                    "-a names '{name}' twice; give each allocator a name of its own"
                )));
            }
            chosen.push(allocator);
        }
        return Ok(chosen);
    }
    if known.len() == 2 {
        eprintln!("xalloc bench: no other allocator is here; scripts/peers puts some into {}", peers.display());
    }
    let mut usable = Vec::new();
    for allocator in known {
        let name = allocator.name.clone();
        match allocator.usable() {
            Ok(allocator) => usable.push(allocator),
            // What this is all about must be there.
            Err(error) if name == OWN => return Err(error),
            Err(error) => eprintln!("xalloc bench: {name} is left out: {error}"),
        }
    }
    Ok(usable)
}

fn by_word(word: &str, known: &[Allocator], peers: &Path) -> Result<Allocator, Refusal> {
    let word = canonical(Kind::Allocator, word);
    if let Some((name, path)) = word.split_once('=') {
        let name = canonical(Kind::Allocator, name);
        if name == BASE || name.is_empty() {
            let message = format!("-a {word}: '{name}' cannot be the name of a library; choose another one");
            return Err(Refusal::wrong_usage(message));
        }
        return Ok(Allocator::preloading(name, Path::new(path)));
    }
    if let Some(allocator) = known.iter().find(|allocator| allocator.name == word) {
        return Ok(allocator.clone());
    }
    match catalogue::choose(word) {
        Ok(Choice { library: Some(found), allocator: Some(allocator), .. }) => {
            Allocator::of(&allocator, &found.path).map_err(|error| Refusal::wrong_usage(format!("{error:#}")))
        }
        Ok(Choice { library, .. }) => {
            let library = library.map(|found| found.path);
            Ok(Allocator { name: word.into(), library, environment: Vec::new() })
        }
        // It is known how to get it.
        Err(error) if error.is::<NotFound>() => Err(Refusal::wrong_usage(format!("{error:#}"))),
        Err(error) => {
            let names: Vec<_> = known.iter().map(|allocator| allocator.name.as_str()).collect();
            Err(Refusal::wrong_usage(format!(
                "{error:#}; on this machine there are {} (scripts/peers puts more into {}; NAME=LIBRARY takes any)",
                names.join(", "),
                peers.display()
            )))
        }
    }
}

impl Allocator {
    fn preloading(name: &str, library: &Path) -> Self {
        Self { name: name.into(), library: Some(library.to_owned()), environment: Vec::new() }
    }

    /// One of the catalogue's. The error says what is wrong with its layer.
    fn of(allocator: &xalloc_layers::Allocator, library: &Path) -> Result<Self> {
        let environment = catalogue::beside_preload(allocator)?;
        Ok(Self { environment, ..Self::preloading(&allocator.name, library) })
    }

    /// The library itself, under whatever names it has.
    fn file(&self) -> Option<PathBuf> {
        self.library.as_ref()?.canonicalize().ok()
    }

    /// The same with its library's real path, if that can be preloaded.
    fn usable(self) -> Result<Self, Refusal> {
        let library = self.library.as_deref().map(catalogue::usable).transpose();
        let library = library.map_err(|error| Refusal::wrong_usage(format!("{error:#}")))?;
        Ok(Self { library, ..self })
    }
}

/// The libraries in the peers' directory, by name.
pub fn found(peers: &Path) -> Vec<Allocator> {
    let mut all: Vec<_> = std::fs::read_dir(peers)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "so") && path.exists())
        .filter_map(|path| Some(Allocator::preloading(path.file_stem()?.to_str()?, &path)))
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

    fn names(allocators: &[Allocator]) -> Vec<&str> {
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
            let listed = listed.map(|(name, library)| Allocator::preloading(name, library));
            choose(library, peers, listed.into(), wanted)
        };
        let all = choose(&library, directory.path(), &[]).unwrap();
        assert_eq!(names(&all), ["xalloc", "system", "libxalloc", "peer", "other"]);
        assert_eq!(all[3].library.as_ref(), Some(&peer.canonicalize().unwrap()));
        let one = choose(&library, directory.path(), &[format!("mine={}", library.display())]).unwrap();
        assert_eq!(names(&one), ["mine"]);
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
