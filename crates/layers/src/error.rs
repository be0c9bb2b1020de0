//! What can be wrong with layers, and where.

use crate::words::Kind;
use std::fmt;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's path; for a built-in layer `<builtin>/TYPE/NAME.yaml`.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A problem, and its place if it is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The place of the problem.
    pub place: Option<Place>,
    /// The problem.
    pub problem: Box<Problem>,
}

impl Error {
    pub(crate) fn at(place: Option<Place>, problem: Problem) -> Self {
        Self { place, problem: Box::new(problem) }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::at(None, problem)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(formatter, "{place}: ")?;
        }
        self.problem.fmt(formatter)
    }
}

impl std::error::Error for Error {}

/// A problem. Each message says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum Problem {
    /// A word that is not one of a fixed list.
    #[error("unknown {what} '{word}'; there are {words}{}", question(nearest))]
    UnknownWord { what: &'static str, word: String, words: String, nearest: Option<String> },
    /// A text that is not the name of a layer.
    #[error("'{text}' is no layer; a layer is TYPE/NAME, as in allocator/jemalloc")]
    NotALayer { text: String },
    /// A layer that is in no directory.
    #[error("there is no layer {layer}; looked in {}{}", searched.join(", "), question(nearest))]
    NotFound { layer: String, searched: Vec<String>, nearest: Option<String> },
    /// A file or directory that the file system does not let us read.
    #[error("cannot read {path}: {reason}")]
    Unreadable { path: String, reason: String },
    /// A text that is not YAML, or has a value of the wrong type.
    #[error("{0}")]
    Yaml(String),
    /// A key that layers do not have.
    #[error("unknown key '{key}'; keys here are {}{}", keys.join(", "), question(nearest))]
    UnknownKey { key: String, keys: Vec<&'static str>, nearest: Option<String> },
    /// A key that stands there twice.
    #[error("key '{key}' is given twice; leave one out")]
    RepeatedKey { key: String },
    /// A key that belongs in layers of another type.
    #[error("key '{key}' is for {kind} layers only")]
    MisplacedKey { key: &'static str, kind: Kind },
    /// A key that layers of this type must have.
    #[error("key '{key}' is missing: {why}")]
    MissingKey { key: &'static str, why: String },
    /// A file whose content does not fit its path.
    #[error("the path says {path}, the file says {content}; rename one")]
    WrongPath { path: String, content: String },
    /// A text that is not the name of an environment variable.
    #[error("'{name}' is no name of an environment variable: letters, digits and _, no digit first")]
    BadVariableName { name: String },
    /// A text that is not the name of a CMake variable.
    #[error("'{name}' is no name of a CMake variable: letters, digits and any of _ . / + -")]
    BadCmakeName { name: String },
    /// A type of layer that every composition must have.
    #[error("there is no {kind} layer; a composition needs one, as in {example}")]
    MissingLayer { kind: Kind, example: &'static str },
    /// Two layers of a type of which there may be only one.
    #[error("{first} and {second}: {why}. Leave one of them out.")]
    OnlyOne { first: String, second: String, why: &'static str },
    /// Two layers that exclude each other.
    #[error("{first} conflicts with {second}: {reason}. {fix}.")]
    Conflict { first: String, second: String, reason: String, fix: String },
    /// A layer that is for other compilers or platforms.
    #[error("{layer} needs {wanted}, and the composition has {found}. {fix}.")]
    Unmet { layer: String, wanted: String, found: String, fix: String },
    /// Preloading on Windows, which has no such thing.
    #[error("Windows doesn't support LD_PRELOAD. Use method: link")]
    NoPreloadOnWindows,
    /// A proxy on a system where libxalloc passes through to the C library's malloc only, or does not run.
    #[error("method proxy works on linux only, not on {system}. Use method: link")]
    NoProxy { system: String },
    /// An allocator on a system for which it was not made.
    #[error("{layer} doesn't support {system}{}. Use another allocator, or allocator/system.", after(notes))]
    UnsupportedSystem { layer: String, system: String, notes: String },
    /// A method that the allocator does not have.
    #[error("{layer} has no method {method}; it has {offered}")]
    MethodNotOffered { layer: String, method: String, offered: String },
    /// Something that only allocators have, in another layer.
    #[error("{layer} takes no {what}: only allocators do")]
    OnlyForAllocators { layer: String, what: &'static str },
    /// A `{{NAME}}` without a value.
    #[error(
        "unknown variable '{name}': give it a value with --var or under variables; known are {known}{}",
        question(nearest)
    )]
    UnknownVariable { name: String, known: String, nearest: Option<String> },
    /// A `{{` without `}}`.
    #[error("'{text}' has {{{{ without }}}}")]
    OpenVariable { text: String },
    /// A line break or another control character, which not every output format can hold.
    #[error("{text:?} has a control character; a flag or value must be one line of text")]
    ControlCharacter { text: String },
    /// A value that a list of CMake cannot hold.
    #[error(
        "{name} is '{value}': CMake takes everything after an unmatched bracket as one item, so other variables would be lost. \
         Use another value, or another format"
    )]
    OpenBracket { name: String, value: String },
    /// An option that the allocator does not have.
    #[error("{layer} has no option '{name}'; {}{}", listed(options), question(nearest))]
    UnknownOption { layer: String, name: String, options: Vec<String>, nearest: Option<String> },
    /// A value that the option does not take.
    #[error("option '{option}' of {layer} takes {values}, not '{value}'{}", question(nearest))]
    BadValue { layer: String, option: String, value: String, values: String, nearest: Option<String> },
    /// A path that the loader would split.
    #[error(
        "cannot preload {path}: the loader splits its list at spaces and colons, and replaces what follows a $. Move the library, or link it"
    )]
    NotPreloadable { path: String },
}

fn question(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or(String::new(), |word| format!("; did you mean '{word}'?"))
}

fn after(notes: &str) -> String {
    if notes.is_empty() { String::new() } else { format!(": {}", notes.trim_end_matches('.')) }
}

fn listed(options: &[String]) -> String {
    if options.is_empty() { "it has none".into() } else { format!("it has {}", options.join(", ")) }
}
