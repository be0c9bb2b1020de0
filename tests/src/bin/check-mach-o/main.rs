//! Inspects libxalloc.dylib, on any machine: what dyld will replace, what is exported, imported and run at start.
//!
//! `check-mach-o [--system FILE.tbd] DYLIB...`: 0 if nothing is wrong with any of them.

mod facts;
mod faults;

use anyhow::{Context, Result, bail};
use facts::{Facts, POINTER};
use faults::Expected;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xalloc_tests::checkout;

fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    let system = if arguments.next_if(|word| word == "--system").is_some() {
        let path = arguments.next().context("--system needs a file")?;
        Some(symbols(&read_text(Path::new(&path))?))
    } else {
        None
    };
    let dylibs: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if dylibs.is_empty() {
        bail!("usage: check-mach-o [--system FILE.tbd] DYLIB...");
    }
    let expected = Expected { exports: list("macos.exp")?, replaced: list("macos.interpose")?, system };
    let mut sound = true;
    for dylib in dylibs {
        sound &= check(&dylib, &expected)?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what was found. Whether nothing is wrong.
fn check(dylib: &Path, expected: &Expected) -> Result<bool> {
    let data = std::fs::read(dylib).with_context(|| format!("cannot read {}", dylib.display()))?;
    let facts = facts::read(&data).with_context(|| dylib.display().to_string())?;
    let faults = faults::find(&facts, expected);
    for fault in &faults {
        println!("{}: {fault}", dylib.display());
    }
    if faults.is_empty() {
        let (replaced, exports, imports) = (expected.replaced.len(), expected.exports.len(), facts.imports.len());
        println!(
            "{}: {}: {replaced} functions replaced, {exports} names exported, {imports} imported from libSystem",
            dylib.display(),
            facts.machine
        );
        sees_what_is_missing(facts, expected)?;
    }
    Ok(faults.is_empty())
}

/// A check that finds nothing wrong must still find a missing replacement: the last pair is taken away, and the constructors.
fn sees_what_is_missing(mut facts: Facts, expected: &Expected) -> Result<()> {
    let section = facts.interpose.as_mut().context("a section that was just checked")?;
    section.end -= 2 * POINTER as u64;
    facts.constructors = None;
    match faults::find(&facts, expected).as_slice() {
        [pair, constructor] if pair.contains("not replaced") && constructor.contains("no constructor") => Ok(()),
        other => bail!("this check does not see a pair and the constructors missing: {other:?}"),
    }
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The names in a list in exports/.
fn list(name: &str) -> Result<BTreeSet<String>> {
    let text = read_text(&checkout().join("exports").join(name))?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(|line| line.trim().to_owned()).collect())
}

/// What looks like a symbol in a text-based stub of a library: enough to know that a name is not there.
fn symbols(stub: &str) -> BTreeSet<String> {
    let word = |character: char| !(character.is_alphanumeric() || "_$.".contains(character));
    stub.split(word).filter(|word| word.starts_with('_')).map(str::to_owned).collect()
}
