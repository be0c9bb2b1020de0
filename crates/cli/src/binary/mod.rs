//! What a program's file says before it runs: what it is, and whether a malloc can be preloaded into it.
//!
//! [`examine`] finds the program as a shell would, follows `#!`, reads the file that the kernel really executes
//! ([`Binary`]) and asks every question of [`questions`] about it.

mod allocators;
mod elf;
mod env;
mod facts;
mod finding;
mod kinds;
mod known;
mod launchers;
mod loader;
mod mach_o;
mod machine;
mod processor;
mod program;
mod questions;
mod read;
mod rights;
mod runtimes;
mod sanitizers;

pub use facts::Binary;
pub use finding::{Finding, Severity};
pub use kinds::{CLibrary, Format, Linking};
pub use machine::Machine;
pub use program::Unexaminable;

use serde::Serialize;
use std::ffi::OsStr;
use std::path::PathBuf;

/// A program, and the findings about preloading into it.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// The files, from the one that was named to the one that the kernel executes: more than one for a script.
    pub chain: Vec<PathBuf>,
    /// The facts about the last of them.
    pub binary: Binary,
    /// The findings: obstacles first, then warnings.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// Returns the reasons why a preload cannot work, or must not be tried.
    pub fn obstacles(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Obstacle)
    }

    /// Returns the reasons why a preload may not do what is wanted.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Warning)
    }
}

/// Examines a program, which is looked for as `execvp` does, for a library that fits this command's own machine and C library.
pub fn examine(program: &OsStr) -> Result<Examination, Unexaminable> {
    examine_on(program, &Machine::here())
}

/// Examines a program for a library that fits `machine`.
pub fn examine_on(program: &OsStr, machine: &Machine) -> Result<Examination, Unexaminable> {
    let (chain, mut findings) = program::chain(program)?;
    let path = chain.last().expect("it begins with the program");
    let binary = Binary::read_for(path, machine).map_err(|error| Unexaminable::NoProgram(format!("{error:#}")))?;
    findings.extend(questions::ask(&binary, machine));
    findings.sort_by_key(|finding| finding.severity);
    Ok(Examination { chain, binary, findings })
}
