//! The allocators to compare: libxalloc, glibc (nothing preloaded), and whatever library is at hand.

use crate::catalogue;
use crate::refusal::Refusal;
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

/// The allocators that `wanted` names, or all there are. A library that is not loaded would have glibc's numbers.
///
/// # Errors
/// A name that is not known, or a library that cannot be used.
pub fn choose(library: &Path, peers: &Path, wanted: &[String]) -> Result<Vec<Allocator>, Refusal> {
    let mut known = vec![
        Allocator { name: OWN.into(), library: Some(library.to_owned()) },
        Allocator { name: BASE.into(), library: None },
    ];
    known.extend(found(peers));
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
        eprintln!("xalloc bench: no peers in {}; scripts/peers makes them", peers.display());
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
    if let Some((name, path)) = word.split_once('=') {
        if name == BASE || name.is_empty() {
            let message = format!("-a {word}: '{name}' cannot be the name of a library; choose another one");
            return Err(Refusal::wrong_usage(message));
        }
        return Ok(Allocator { name: name.into(), library: Some(path.into()) });
    }
    match known.iter().find(|allocator| allocator.name == word) {
        Some(allocator) => Ok(allocator.clone()),
        None => {
            let names: Vec<_> = known.iter().map(|allocator| allocator.name.as_str()).collect();
            Err(Refusal::wrong_usage(format!(
                "there is no allocator '{word}'; there are {} (scripts/peers puts more into {}; NAME=LIBRARY takes any)",
                names.join(", "),
                peers.display()
            )))
        }
    }
}

impl Allocator {
    /// The same with its library's real path, if that can be preloaded.
    fn usable(self) -> Result<Self, Refusal> {
        let library = self.library.as_deref().map(catalogue::usable).transpose();
        let library = library.map_err(|error| Refusal::wrong_usage(format!("{error:#}")))?;
        Ok(Self { library, ..self })
    }
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
        let all = choose(&library, directory.path(), &[]).unwrap();
        assert_eq!(names(&all), ["xalloc", "glibc", "libxalloc", "peer"]);
        let one = choose(&library, directory.path(), &[format!("mine={}", library.display())]).unwrap();
        assert_eq!(names(&one), ["mine"]);
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
            |library: &Path, wanted: &[String]| choose(library, directory.path(), wanted).unwrap_err().message;
        assert!(refusal(&library, &[format!("x={}", text.display())]).contains("neither a program nor a script"));
        assert!(refusal(&library, &[format!("x={}", blank.display())]).contains("takes no path with a blank"));
        assert!(refusal(&library, &["text".into()]).contains("neither a program nor a script"));
        assert!(refusal(&text, &[]).contains("neither a program nor a script"));
        // Nobody has asked for it.
        assert_eq!(names(&choose(&library, directory.path(), &[]).unwrap()), ["xalloc", "glibc", "libxalloc"]);
    }
}
