//! What a program is run under: an allocator by its name, one with options, or any library.

use super::{Choice, NotFound, SYSTEM, Setting, beside_preload, choose, layers, usable};
use crate::preload;
use crate::refusal::Refusal;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_layers::{Allocator, Kind, canonical};

/// What one row of a comparison runs under.
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
        let (library, obstacle) = match usable(path) {
            Ok(library) => (library, None),
            Err(error) => (path.to_owned(), Some(format!("{error:#}"))),
        };
        Self { name: name.into(), library: Some(library), obstacle, ..Self::default() }
    }

    /// One of the catalogue's, with what its layer sets beside the preload.
    pub fn of(allocator: &Allocator, path: &Path) -> Self {
        let candidate = Self::preloading(&allocator.name, path);
        match beside_preload(allocator) {
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
        let allocator = layers().allocator(name).map_err(|_| {
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

/// The candidates that `words` name (`NAME`, `NAME=LIBRARY` or `NAME:OPTION=VALUE…`), in that order: one of the `known`, or any
/// other of the catalogue. A message about an unknown name ends with `others`: where else one comes from.
///
/// # Errors
/// A name that is not known, or that stands there twice; an option that the allocator does not have.
pub fn pick(words: &[String], known: &[Candidate], others: &str) -> Result<Vec<Candidate>, Refusal> {
    let mut picked: Vec<Candidate> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if let Some(before) = index.checked_sub(1).map(|before| &words[before])
            && is_option_of(before, word)
        {
            return Err(Refusal::wrong_usage(format!(
                "-a {word}: no library has this path; options of one allocator are separated by colons: {before}:{word}"
            )));
        }
        let candidate = by_word(word, known, others)?;
        if picked.iter().any(|other| other.name == candidate.name) {
            let name = candidate.name;
            return Err(Refusal::wrong_usage(format!(
                "-a names '{name}' twice; give each candidate a name of its own"
            )));
        }
        picked.push(candidate);
    }
    Ok(picked)
}

/// Whether `word` looks like one more option of the candidate before it, and not like a library under a name.
fn is_option_of(before: &str, word: &str) -> bool {
    let file = word.split_once('=').map(|(_, file)| Path::new(file));
    before.contains(':')
        && !word.contains(':')
        && file.is_some_and(|file| file.components().count() < 2 && !file.exists())
}

/// What a user means by `NAME`, `NAME=LIBRARY` or `NAME:OPTION=VALUE…`.
fn by_word(word: &str, known: &[Candidate], others: &str) -> Result<Candidate, Refusal> {
    match word.split_once(':') {
        Some((name, settings)) => {
            let candidate = by_name(name, known, others)?;
            candidate.set(word, canonical(Kind::Allocator, name), settings)
        }
        None => by_name(word, known, others),
    }
}

fn by_name(word: &str, known: &[Candidate], others: &str) -> Result<Candidate, Refusal> {
    let word = canonical(Kind::Allocator, word);
    if let Some((name, library)) = word.split_once('=') {
        let name = canonical(Kind::Allocator, name);
        if name == SYSTEM || name.is_empty() {
            let message = format!("-a {word}: '{name}' cannot be the name of a library; choose another one");
            return Err(Refusal::wrong_usage(message));
        }
        return Ok(Candidate::preloading(name, Path::new(library)));
    }
    if let Some(candidate) = known.iter().find(|candidate| candidate.name == word) {
        return Ok(candidate.clone());
    }
    match choose(word) {
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
            Err(Refusal::wrong_usage(format!("{error:#}; on this machine there are {}{others}", names.join(", "))))
        }
    }
}
