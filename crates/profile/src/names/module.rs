//! A mapped file, and the names in it.

use super::debug_file::Places;
use super::demangle::demangle;
use super::elf::Elf;
use crate::report::Frame;
use crate::{Mapping, hexadecimal};
use addr2line::Loader;
use std::path::PathBuf;

/// Why a file has no names.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Nothing is at the path any more, or it cannot be read.
    #[error("{} cannot be read ({why})", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why it cannot be.
        why: String,
    },
    /// The program ran a file that was already replaced.
    #[error("the file was deleted or replaced while the program ran")]
    Deleted,
    /// Another file is at the path now.
    #[error(
        "{} was replaced since the profile was written (its build-id is {now}, and was {then})",
        path.display()
    )]
    Replaced {
        /// The path.
        path: PathBuf,
        /// The build-id of the file that is there now.
        now: String,
        /// That of the one that was.
        then: String,
    },
}

/// A file with names.
pub struct Module {
    elf: Elf,
    loader: Loader,
}

impl Module {
    /// Opens the file of a mapping, and the one with its debug information.
    ///
    /// # Errors
    /// It is not there, or not the same any more, or no ELF file.
    pub fn open(mapping: &Mapping, places: &Places) -> Result<Self, Problem> {
        if mapping.is_deleted() {
            return Err(Problem::Deleted);
        }
        let path = &mapping.path;
        let unreadable = |why: String| Problem::Unreadable { path: path.clone(), why };
        let elf = Elf::read(path).map_err(|error| unreadable(error.to_string()))?;
        if let Some(then) = mapping.build_id.as_ref().filter(|then| **then != elf.build_id) {
            return Err(Problem::Replaced {
                path: path.clone(),
                now: hexadecimal(&elf.build_id),
                then: hexadecimal(then),
            });
        }
        let debug = if elf.has_debug { None } else { places.debug_file(path, &elf) };
        let with_debug = debug.and_then(|debug| load(debug, places).ok());
        let loader = with_debug.map_or_else(|| load(path.clone(), places), Ok);
        Ok(Self { loader: loader.map_err(|error| unreadable(error.to_string()))?, elf })
    }

    /// Returns the file's build-id; empty if it has none.
    pub fn build_id(&self) -> &[u8] {
        &self.elf.build_id
    }

    /// Returns the functions at an offset of the file, the innermost first; none if nothing is known of it.
    pub fn frames(&self, offset: u64) -> Vec<Frame> {
        let Some(address) = self.elf.address(offset) else { return Vec::new() };
        let mut frames = self.lines(address);
        let symbol = self.loader.find_symbol(address).map(demangle);
        match (frames.last_mut(), symbol) {
            (Some(outermost), Some(symbol)) if says_more(&symbol, &outermost.function) => {
                outermost.function = symbol.into()
            }
            (None, Some(symbol)) => frames.push(Frame::named(&symbol, None, None)),
            _ => {}
        }
        frames.retain(|frame| !frame.function.is_empty());
        frames
    }

    /// Returns what the debug information has at an address. A mistake in it ends the list.
    fn lines(&self, address: u64) -> Vec<Frame> {
        let mut lines = Vec::new();
        let Ok(mut frames) = self.loader.find_frames(address) else { return lines };
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let name = name.map_or_else(String::new, |name| demangle(&name));
            let (file, line) = frame.location.map_or((None, None), |location| (location.file, location.line));
            lines.push(Frame::named(&name, file, line));
        }
        lines
    }
}

/// Returns whether a symbol tells more than the debug information. That has no function for assembly, and for a static function
/// of C++ not the name of its namespace.
fn says_more(symbol: &str, function: &str) -> bool {
    function.is_empty() || symbol.strip_suffix(function).is_some_and(|namespace| namespace.ends_with("::"))
}

fn load(path: PathBuf, places: &Places) -> Result<Loader, Box<dyn std::error::Error>> {
    let elf = Elf::read(&path)?;
    let alternative = places.alternative(&path, &elf);
    Loader::new_with_sup(&path, alternative)
}
