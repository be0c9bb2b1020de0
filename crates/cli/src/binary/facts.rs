//! The facts about a program or library in its file, whatever the format.

use super::kinds::{CLibrary, Format, Linking, Protection};
use super::known;
use super::processor::Processor;
use super::rights::Rights;
use anyhow::Result;
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Serialize;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

/// A program or a library.
#[derive(Clone, Debug, Serialize)]
pub struct Binary {
    /// The file's path.
    pub path: PathBuf,
    /// The file's format.
    pub format: Format,
    /// The processor for which it was built; in a universal Mach-O file, that of the slice that was read.
    pub processor: Processor,
    /// The processors of the other slices of a universal Mach-O file.
    pub other_processors: Vec<Processor>,
    /// The way in which it was linked.
    pub linking: Linking,
    /// The dynamic loader that starts it.
    pub interpreter: Option<PathBuf>,
    /// The C library with which it was linked, if the file shows it.
    pub c_library: Option<CLibrary>,
    /// The libraries that it needs.
    pub needed: Vec<String>,
    /// The name by which programs need it, if it is a library.
    pub soname: Option<String>,
    /// The directories in which the loader looks for libraries, before and after `LD_LIBRARY_PATH`.
    pub library_paths: Vec<String>,
    /// The build-id (ELF) or UUID (Mach-O), in hexadecimal.
    pub build_id: Option<String>,
    /// Whether it has no symbol table except the one that the loader uses.
    pub stripped: bool,
    /// Whether it has a table of sections, without which its names cannot be read.
    pub sections: bool,
    /// Whether the Go compiler made it.
    pub go: bool,
    /// What Mach-O says about code that others bring into the process.
    pub protection: Protection,
    /// The rights that it gets.
    pub rights: Rights,
    /// The names that it defines for others.
    #[serde(skip)]
    pub exports: HashSet<String>,
    /// The names that others must define for it.
    #[serde(skip)]
    pub imports: HashSet<String>,
    /// The names that it uses if others define them (weak references).
    #[serde(skip)]
    pub optional_imports: HashSet<String>,
    /// The names that it defines only for itself, as far as they matter here.
    #[serde(skip)]
    pub hidden: BTreeSet<String>,
    /// The allocators whose messages are in its data. Looked for only if it is stripped.
    #[serde(skip)]
    pub messages: Vec<&'static str>,
}

impl Binary {
    /// Returns the facts that every format has. The reader of the format adds the others.
    pub(super) fn common<'data>(file: &impl Object<'data>, format: Format, linking: Linking) -> Result<Self> {
        let names = Names::of(file, format);
        let build_id = file.build_id()?.or(file.mach_uuid()?.as_ref().map(|uuid| &uuid[..])).map(hexadecimal);
        let stripped = names.stripped;
        Ok(Self {
            path: PathBuf::new(),
            format,
            processor: Processor::of(file),
            other_processors: Vec::new(),
            linking,
            interpreter: None,
            c_library: None,
            needed: Vec::new(),
            soname: None,
            library_paths: Vec::new(),
            build_id,
            stripped,
            sections: file.sections().next().is_some(),
            go: [".go.buildinfo", ".note.go.buildid", "__go_buildinfo"]
                .iter()
                .any(|name| file.section_by_name(name).is_some()),
            protection: Protection::default(),
            rights: Rights::default(),
            exports: names.exports,
            imports: names.imports,
            optional_imports: names.optional_imports,
            hidden: names.hidden,
            messages: if stripped { messages(file) } else { Vec::new() },
        })
    }

    /// Returns whether it defines this name, for others or for itself. Of names for itself, only those that matter here are
    /// known.
    pub fn defines(&self, name: &str) -> bool {
        self.exports.contains(name) || self.hidden.contains(name)
    }
}

/// The names in the symbol tables of a file.
#[derive(Default)]
struct Names {
    exports: HashSet<String>,
    imports: HashSet<String>,
    optional_imports: HashSet<String>,
    hidden: BTreeSet<String>,
    stripped: bool,
}

impl Names {
    fn of<'data>(file: &impl Object<'data>, format: Format) -> Self {
        let mut names = Self { stripped: true, ..Self::default() };
        for symbol in file.dynamic_symbols() {
            names.add_dynamic(&symbol);
        }
        for symbol in file.symbols() {
            names.stripped = false;
            match format {
                // Mach-O has one table, in which the global names are those that others see.
                Format::MachO if symbol.is_global() || symbol.is_undefined() => names.add_dynamic(&symbol),
                _ => names.add_hidden(&symbol),
            }
        }
        names
    }

    fn add_dynamic<'data>(&mut self, symbol: &impl ObjectSymbol<'data>) {
        let Some(name) = plain_name(symbol) else { return };
        if symbol.is_undefined() && symbol.is_weak() {
            self.optional_imports.insert(name)
        } else if symbol.is_undefined() {
            self.imports.insert(name)
        } else {
            self.exports.insert(name)
        };
    }

    fn add_hidden<'data>(&mut self, symbol: &impl ObjectSymbol<'data>) {
        if symbol.is_undefined() {
            return;
        }
        let Some(name) = plain_name(symbol).filter(|name| known::matters(name)) else { return };
        if !self.exports.contains(&name) {
            self.hidden.insert(name);
        }
    }
}

/// Returns the name as it is in C. Mach-O puts an underscore before it.
fn plain_name<'data>(symbol: &impl ObjectSymbol<'data>) -> Option<String> {
    let name = symbol.name().ok().filter(|name| !name.is_empty())?;
    let underscore = matches!(symbol.flags(), object::SymbolFlags::MachO { .. });
    Some(if underscore { name.strip_prefix('_').unwrap_or(name) } else { name }.to_owned())
}

fn messages<'data>(file: &impl Object<'data>) -> Vec<&'static str> {
    let is_constant = |name: &str| matches!(name, ".rodata" | "__cstring");
    let sections = file.sections().filter(|section| section.name().is_ok_and(is_constant));
    let mut found: Vec<_> = sections.filter_map(|section| section.data().ok()).flat_map(known::with_message).collect();
    found.dedup();
    found
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns bytes of a file as text. The names that matter here are ASCII.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
