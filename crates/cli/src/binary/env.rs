//! The command `env` in a `#!` line: which program it starts from its one argument, and whether the preload survives that.

use super::Finding;
use crate::preload;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What `env` will do, as far as it is known.
#[derive(Debug, Default, PartialEq)]
pub struct Env {
    /// The program that `env` starts.
    pub program: OsString,
    /// Whether `env` looks for the program elsewhere than this command would, because it changes PATH or its directory first.
    pub looks_elsewhere: bool,
    /// The word that makes `env` remove the preload, if there is one.
    remover: Option<String>,
}

impl Env {
    /// Returns what `env` will do, for an interpreter and its argument; `None` if the interpreter is not `env`, or if it is not
    /// known.
    pub fn of(interpreter: &OsStr, argument: &[u8]) -> Option<Self> {
        if Path::new(interpreter).file_name() != Some(OsStr::new("env")) || argument.is_empty() {
            return None;
        }
        if !argument.starts_with(b"-") {
            return Some(Self { program: OsStr::from_bytes(argument).to_owned(), ..Self::default() });
        }
        let mut env = Self::default();
        let mut words = split(std::str::from_utf8(argument).ok()?)?.into_iter();
        loop {
            let word = words.next()?;
            if !word.starts_with('-') && !word.contains('=') {
                env.program = word.into();
                return Some(env);
            }
            env.looks_elsewhere |= word.starts_with("PATH=") || word.starts_with("-C") || word.starts_with("--chdir");
            if env.takes_preload(&word, || words.next()) {
                env.remover = Some(word);
            }
        }
    }

    /// Returns whether an option or an assignment removes the preload. The value of some is in the `next` word.
    fn takes_preload(&self, word: &str, next: impl FnOnce() -> Option<String>) -> bool {
        let is_preload = |name: Option<&str>| name == Some(preload::variable());
        match word.strip_prefix('-') {
            None => is_preload(word.split('=').next()),
            Some("" | "-ignore-environment") => true,
            Some("-unset") => is_preload(next().as_deref()),
            Some("-chdir") => next().is_none(),
            Some(long) if long.starts_with('-') => is_preload(long.strip_prefix("-unset=")),
            Some(letters) => {
                let (before, rest) = letters.split_at(letters.find(['u', 'C']).unwrap_or(letters.len()));
                let value = match rest.get(1..) {
                    Some("") => next(),
                    value => value.map(str::to_owned),
                };
                before.contains('i') || (rest.starts_with('u') && is_preload(value.as_deref()))
            }
        }
    }

    /// Returns the finding that the preload does not survive, if so. `script` contains the line.
    pub fn finding(&self, script: &str) -> Option<Finding> {
        let (word, variable, program) = (self.remover.as_ref()?, preload::variable(), self.program.display());
        Some(Finding::obstacle(
            "environment",
            format!("The first line of {script} makes env start {program} without {variable} ({word})."),
            format!("Name {program} as the program and the script as its argument, or change that line."),
        ))
    }
}

/// Returns the words into which `env -S` splits the rest. The `S` may stand after other letters.
fn split(argument: &str) -> Option<Vec<String>> {
    if let Some(rest) = argument.strip_prefix("--split-string=") {
        return shlex::split(rest);
    }
    let (letters, rest) =
        argument.split_once('S').filter(|(letters, _)| letters.chars().all(|it| "-iv0".contains(it)))?;
    let mut words = shlex::split(rest)?;
    if letters.contains('i') {
        words.insert(0, "-i".to_owned());
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(argument: &str) -> Option<(String, bool)> {
        let env = Env::of(OsStr::new("/usr/bin/env"), argument.as_bytes())?;
        Some((env.program.into_string().expect("text"), env.remover.is_some()))
    }

    #[test]
    fn knows_what_env_starts() {
        for argument in ["sh", "-S A=1 sh -u", "-S -u FOO sh", "-S -uFOO -C / -v sh", "-vS\"sh\" -i", "-S --chdir / sh"]
        {
            assert_eq!(env(argument), Some(("sh".into(), false)), "{argument}");
        }
        assert_eq!((env("--no-such-option"), env("-S -i"), env("-x -S sh")), (None, None, None));
        assert_eq!(Env::of(OsStr::new("/bin/sh"), b"python3"), None);
    }

    #[test]
    fn knows_what_takes_the_preload_away() {
        let variable = preload::variable();
        let unset = ["-u NAME", "-uNAME", "-vu NAME", "--unset NAME", "--unset=NAME", "NAME=", "NAME=/x.so"];
        let unset = unset.map(|words| words.replace("NAME", variable));
        for words in
            ["-i", "-", "-vi", "--ignore-environment", "-i A=1"].iter().copied().chain(unset.iter().map(|it| &**it))
        {
            assert_eq!(env(&format!("-S {words} sh")), Some(("sh".into(), true)), "{words}");
        }
        assert_eq!((env("-iS sh"), env("-ivS sh")), (Some(("sh".into(), true)), Some(("sh".into(), true))));
    }
}
