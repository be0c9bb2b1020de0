//! What a program is run under: allocators by name, and libraries at hand.

use crate::binary::Examination;
use crate::catalogue::{self, Choice, NotFound, OWN, SYSTEM, Setting};
use crate::refusal::Refusal;
use crate::{library, preload};
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_layers::{Allocator, Kind, canonical};

/// The candidate that all others are compared with: the program as it is.
pub const BASE: &str = SYSTEM;

/// What one row runs under.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// What it is called in tables.
    pub name: String,
    /// What is preloaded, if anything.
    pub library: Option<PathBuf>,
    /// Variables that are set.
    pub environment: Vec<(OsString, OsString)>,
    /// Why nothing can be run under it, if so.
    pub obstacle: Option<String>,
}

impl Candidate {
    /// One that preloads the file at `path`, or cannot because there is none.
    pub fn preloading(name: &str, path: &Path) -> Self {
        let (library, obstacle) = match catalogue::usable(path) {
            Ok(library) => (library, None),
            Err(error) => (path.to_owned(), Some(format!("{error:#}"))),
        };
        Self { name: name.into(), library: Some(library), obstacle, ..Self::default() }
    }

    /// One of the catalogue's, with what its layer sets beside the preload.
    fn of(allocator: &Allocator, path: &Path) -> Self {
        let candidate = Self::preloading(&allocator.name, path);
        match catalogue::beside_preload(allocator) {
            Ok(beside) => {
                let environment = beside.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
                Self { environment, ..candidate }
            }
            Err(error) => Self { obstacle: Some(error.to_string()), ..candidate },
        }
    }

    /// The same under the name `word`, with options of the allocator `name`: `OPTION=VALUE`, several with colons between them.
    fn set(mut self, word: &str, name: &str, settings: &str) -> Result<Self, Refusal> {
        let wrong = |why: &dyn std::fmt::Display| Refusal::wrong_usage(format!("-a {word}: {why}"));
        let allocator = catalogue::layers().allocator(name).map_err(|_| {
            wrong(&format!("options of {name} are not known here; set what it reads in the environment instead"))
        })?;
        for text in settings.split(':') {
            let setting = Setting::parse(text).map_err(|why| wrong(&format!("'{text}': {why}")))?;
            let before = |variable: &str| {
                let own = self.environment.iter().find(|(name, _)| name == variable);
                own.map(|(_, value)| value.clone()).or_else(|| std::env::var_os(variable))
            };
            let (variable, value) = setting.in_environment(&allocator, before).map_err(|error| wrong(&error))?;
            self.environment.retain(|(name, _)| *name != *variable);
            self.environment.push((variable.into(), value));
        }
        Ok(Self { name: word.into(), ..self })
    }

    /// Has the command run under it. What the caller preloads stays, behind the candidate's own library.
    pub fn apply(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(library) = &self.library {
            preload::put_first(command, library);
        }
    }

    /// How a user would say the same on a command line.
    pub fn settings(&self) -> Vec<String> {
        let preload = self.library.iter().map(|library| format!("LD_PRELOAD={}", library.display()));
        let variables = self.environment.iter();
        let variables = variables.map(|(name, value)| format!("{}={}", name.display(), value.display()));
        preload.chain(variables).collect()
    }
}

/// What is compared if nobody chooses, in the order of the tables: the system's malloc and ours, each as it is and leaner, and
/// what else of the catalogue is on this machine.
///
/// # Errors
/// The user's layers cannot be listed.
pub fn known() -> Result<Vec<Candidate>> {
    let xalloc = own();
    let arenas = vec![("MALLOC_ARENA_MAX".into(), "2".into())];
    let given = std::env::var_os("XALLOC_CONF").filter(|conf| !conf.is_empty());
    let conf: Vec<OsString> = given.into_iter().chain(["profile:lean".into()]).collect();
    let conf = conf.join(OsStr::new(","));
    let mut all = vec![
        Candidate { name: BASE.into(), ..Candidate::default() },
        Candidate { name: "system-arenas-2".into(), environment: arenas, ..Candidate::default() },
        xalloc.clone(),
        Candidate { name: "xalloc-lean".into(), environment: vec![("XALLOC_CONF".into(), conf)], ..xalloc },
    ];
    let (allocators, errors) = catalogue::layers().allocators()?;
    errors.iter().for_each(|error| eprintln!("xalloc compare: {error}"));
    for allocator in allocators {
        if let (false, Some(found)) = (allocator.name == OWN, catalogue::detect(&allocator).found) {
            all.push(Candidate::of(&allocator, &found.path));
        }
    }
    Ok(all)
}

/// Our own library, or why it cannot be used.
fn own() -> Candidate {
    match library::own() {
        Ok(path) => Candidate::preloading(OWN, &path),
        Err(error) => Candidate { name: OWN.into(), obstacle: Some(format!("{error:#}")), ..Candidate::default() },
    }
}

/// Makes rows without runs of the candidates that would be preloaded into a program which stands in the way of that.
pub fn refuse(candidates: &mut [Candidate], examination: &Examination) {
    let Some(obstacle) = examination.obstacles().next() else { return };
    for candidate in
        candidates.iter_mut().filter(|candidate| candidate.library.is_some() && candidate.obstacle.is_none())
    {
        candidate.obstacle = Some(format!("{} {}", obstacle.reason, obstacle.way_out));
    }
}

/// Those of the `known` candidates that `wanted` names, in that order and with the base; all of them if it names none.
///
/// # Errors
/// A name that is not known, or that stands there twice.
pub fn choose(known: Vec<Candidate>, wanted: &[String]) -> Result<Vec<Candidate>, Refusal> {
    if wanted.is_empty() {
        return Ok(known);
    }
    let mut chosen: Vec<Candidate> = Vec::new();
    for word in wanted {
        let candidate = by_word(word, &known)?;
        if chosen.iter().any(|other| other.name == candidate.name) {
            let name = candidate.name;
            return Err(Refusal::wrong_usage(format!(
                "-a names '{name}' twice; give each candidate a name of its own"
            )));
        }
        chosen.push(candidate);
    }
    if !chosen.iter().any(|candidate| candidate.name == BASE) {
        chosen.insert(0, by_word(BASE, &known)?);
    }
    Ok(chosen)
}

/// What a user means by `NAME`, `NAME=LIBRARY` or `NAME:OPTION=VALUE…`.
fn by_word(word: &str, known: &[Candidate]) -> Result<Candidate, Refusal> {
    match word.split_once(':') {
        Some((name, settings)) => {
            let candidate = by_name(name, known)?;
            candidate.set(word, canonical(Kind::Allocator, name), settings)
        }
        None => by_name(word, known),
    }
}

fn by_name(word: &str, known: &[Candidate]) -> Result<Candidate, Refusal> {
    let word = canonical(Kind::Allocator, word);
    if let Some((name, library)) = word.split_once('=') {
        let name = canonical(Kind::Allocator, name);
        if name == BASE || name.is_empty() {
            let message = format!("-a {word}: '{name}' cannot be the name of a library; choose another one");
            return Err(Refusal::wrong_usage(message));
        }
        return Ok(Candidate::preloading(name, Path::new(library)));
    }
    if let Some(candidate) = known.iter().find(|candidate| candidate.name == word) {
        return Ok(candidate.clone());
    }
    match catalogue::choose(word) {
        Ok(Choice { library: Some(found), allocator: Some(allocator), .. }) => {
            Ok(Candidate::of(&allocator, &found.path))
        }
        Ok(Choice { library: Some(found), .. }) => Ok(Candidate::preloading(word, &found.path)),
        Ok(Choice { library: None, .. }) => Ok(Candidate { name: word.into(), ..Candidate::default() }),
        // One of the catalogue's that is not here is a row that says so.
        Err(error) if error.is::<NotFound>() => {
            Ok(Candidate { name: word.into(), obstacle: Some(format!("{error:#}")), ..Candidate::default() })
        }
        Err(error) => {
            let names: Vec<&str> = known.iter().map(|candidate| candidate.name.as_str()).collect();
            Err(Refusal::wrong_usage(format!(
                "{error:#}; on this machine there are {}, and NAME=LIBRARY takes any",
                names.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit;

    fn names(wanted: &[&str]) -> Result<Vec<String>, Refusal> {
        let wanted: Vec<String> = wanted.iter().map(|&word| word.into()).collect();
        choose(known().unwrap(), &wanted).map(|chosen| chosen.into_iter().map(|candidate| candidate.name).collect())
    }

    #[test]
    fn selects_orders_and_always_has_the_base() {
        assert_eq!(names(&[]).unwrap()[..4], ["system", "system-arenas-2", "xalloc", "xalloc-lean"]);
        assert_eq!(names(&["xalloc-lean", "xalloc"]).unwrap(), ["system", "xalloc-lean", "xalloc"]);
        assert_eq!(names(&["xalloc", "system"]).unwrap(), ["xalloc", "system"]);
        for other in ["default", "glibc"] {
            assert_eq!(names(&["xalloc", other]).unwrap(), ["xalloc", "system"]);
        }
    }

    #[test]
    fn refuses_what_is_ambiguous_or_unknown() {
        assert_eq!(names(&["pear"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["xalloc", "xalloc=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["system=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["glibc=/x.so"]).unwrap_err().code, exit::WRONG_USAGE);
        assert_eq!(names(&["system", "default"]).unwrap_err().code, exit::WRONG_USAGE);
    }

    #[test]
    fn options_make_rows_of_their_own() {
        assert_eq!(
            names(&["xalloc", "xalloc:purge_ms=100", "xalloc:purge_ms=10:thp=never", "glibc:arena_max=1"]).unwrap(),
            ["system", "xalloc", "xalloc:purge_ms=100", "xalloc:purge_ms=10:thp=never", "glibc:arena_max=1"]
        );
        let chosen = choose(known().unwrap(), &["xalloc:purge_ms=10:thp=never".into()]).unwrap();
        assert_eq!(chosen[1].environment, [("XALLOC_CONF".into(), "purge_ms:10,thp:never".into())]);
        let chosen = choose(known().unwrap(), &["glibc:arena_max=1".into()]).unwrap();
        assert_eq!(chosen[1].environment, [("MALLOC_ARENA_MAX".into(), "1".into())]);
        for (wrong, why) in [
            ("xalloc:purge=1", "did you mean 'purge_ms'"),
            ("xalloc:purge_ms", "KEY=VALUE"),
            ("mine=/x.so:purge_ms=1", "are not known here"),
        ] {
            let refusal = names(&[wrong]).unwrap_err();
            assert_eq!(refusal.code, exit::WRONG_USAGE);
            assert!(refusal.message.contains(why), "{refusal}");
        }
    }

    #[test]
    fn keeps_a_library_that_cannot_be_used_as_a_row() {
        let chosen = choose(known().unwrap(), &["mine=/no/such.so".into()]).unwrap();
        assert!(chosen[1].obstacle.as_ref().unwrap().contains("/no/such.so"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b.so");
        std::fs::write(&path, "").unwrap();
        assert!(Candidate::preloading("mine", &path).obstacle.unwrap().contains("takes no path with a blank"));
    }
}
