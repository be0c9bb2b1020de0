//! A candidate of a comparison: an allocator by its name, one with options, or any library.

use super::{Choice, NotFound, SYSTEM, Setting, beside_preload, choose, layers, usable};
use crate::preload;
use crate::refusal::Refusal;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_layers::{Allocator, Kind, canonical};

/// The allocator, the library or the options under which one row of a comparison is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// The name in tables.
    pub name: String,
    /// The library that is preloaded, if any.
    pub library: Option<PathBuf>,
    /// The variables that are set.
    pub environment: Vec<(OsString, OsString)>,
    /// Why nothing can be run under it, if so.
    pub obstacle: Option<String>,
}

impl Candidate {
    /// Returns a candidate that preloads the file at `path`; if there is no such file, with this as its obstacle.
    pub fn preloading(name: &str, path: &Path) -> Self {
        let (library, obstacle) = match usable(path) {
            Ok(library) => (library, None),
            Err(error) => (path.to_owned(), Some(format!("{error:#}"))),
        };
        Self { name: name.into(), library: Some(library), obstacle, ..Self::default() }
    }

    /// Returns the candidate for an allocator of the catalogue, with the variables that its layer sets.
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

    /// Returns the candidate under the name `word`, with options of the allocator `name`: `OPTION=VALUE`, several separated by
    /// colons.
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

    /// Makes the command run under the candidate. What the caller preloads stays, after the candidate's own library.
    pub fn apply(&self, command: &mut Command) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(library) = &self.library {
            preload::put_first(command, library);
        }
    }

    /// Returns the settings as a user would write them on a command line.
    pub fn settings(&self) -> Vec<String> {
        let preload = self.library.iter().map(|library| format!("LD_PRELOAD={}", library.display()));
        let variables = self.environment.iter();
        let variables = variables.map(|(name, value)| format!("{}={}", name.display(), value.display()));
        preload.chain(variables).collect()
    }
}

/// Returns the candidates that `words` name (`NAME`, `NAME=LIBRARY` or `NAME:OPTION=VALUE…`), in that order. A name is one of
/// the `known` or of the catalogue. The message about an unknown name ends with `others`, which says where else candidates come
/// from.
///
/// # Errors
/// A name is not known or stands there twice, or the allocator does not have an option.
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

/// Returns whether `word` looks like one more option of the candidate before it, and not like a library under a name.
fn is_option_of(before: &str, word: &str) -> bool {
    let file = word.split_once('=').map(|(_, file)| Path::new(file));
    before.contains(':')
        && !word.contains(':')
        && file.is_some_and(|file| file.components().count() < 2 && !file.exists())
}

/// Returns the candidate that `NAME`, `NAME=LIBRARY` or `NAME:OPTION=VALUE…` means.
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
        // An allocator of the catalogue that this machine does not have becomes a row that says so.
        Err(error) if error.is::<NotFound>() => {
            Ok(Candidate { name: word.into(), obstacle: Some(format!("{error:#}")), ..Candidate::default() })
        }
        Err(error) => {
            let names: Vec<&str> = known.iter().map(|candidate| candidate.name.as_str()).collect();
            Err(Refusal::wrong_usage(format!("{error:#}; on this machine there are {}{others}", names.join(", "))))
        }
    }
}
