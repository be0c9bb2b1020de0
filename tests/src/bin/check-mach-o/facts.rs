//! What a dylib says to dyld, read from the file.

use anyhow::{Context, Result};
use object::macho::DyldInfoCommand;
use object::read::macho::{DyldChainedFixups, Fixup, MachHeader, MachOFile64, Segment};
use object::{Endianness, Object, ObjectSection};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

type File<'data> = MachOFile64<'data, Endianness>;

/// The size of a pointer.
pub const POINTER: usize = 8;

/// What a pointer in the file becomes when the library is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// An address in this library.
    Local(u64),
    /// An imported symbol.
    Imported(String),
}

/// The facts that matter for a library which replaces functions.
#[derive(Debug)]
pub struct Facts {
    /// The name of the processor.
    pub machine: String,
    /// Whether it is a dynamic library.
    pub is_library: bool,
    /// Every pointer that dyld sets, by its address.
    pub pointers: BTreeMap<u64, Pointer>,
    /// The addresses of code.
    pub code: Range<u64>,
    /// The section of replacements, if there is one.
    pub interpose: Option<Range<u64>>,
    /// The section of constructors, if there is one.
    pub constructors: Option<Range<u64>>,
    /// Whether there are thread-local variables.
    pub has_thread_variables: bool,
    /// The exported names.
    pub exports: BTreeSet<String>,
    /// The imported names.
    pub imports: BTreeSet<String>,
    /// The libraries that it needs.
    pub libraries: BTreeSet<String>,
}

/// Reads a 64-bit Mach-O file.
pub fn read(data: &[u8]) -> Result<Facts> {
    let file = File::parse(data).context("no 64-bit Mach-O file")?;
    let section = |name: &str| {
        let section = file.sections().find(|section| section.name() == Ok(name))?;
        Some(section.address()..section.address() + section.size())
    };
    Ok(Facts {
        machine: format!("{:?}", file.architecture()),
        is_library: file.macho_header().filetype(file.endian()) == object::macho::MH_DYLIB,
        pointers: pointers(&file, data)?,
        code: section("__text").context("no code")?,
        interpose: section("__interpose"),
        constructors: section("__mod_init_func").or_else(|| section("__init_offsets")),
        has_thread_variables: section("__thread_vars").is_some(),
        exports: names(file.exports()?.map(|export| Ok(text(export?.name().name().unwrap_or_default()))))?,
        imports: names(file.imports()?.map(|import| Ok(text(import?.name().name().unwrap_or_default()))))?,
        libraries: names(file.imports()?.map(|import| Ok(text(import?.library()))))?,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(all: impl Iterator<Item = Result<String>>) -> Result<BTreeSet<String>> {
    all.collect()
}

/// A segment: its address and its bytes in the file.
struct Loaded<'data> {
    address: u64,
    bytes: &'data [u8],
}

fn segments<'data>(file: &File<'data>, data: &'data [u8]) -> Result<Vec<Loaded<'data>>> {
    let mut all = Vec::new();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        if let Some((segment, _)) = command.segment_64()? {
            let bytes = segment.data(file.endian(), data).ok().context("a segment outside of the file")?;
            all.push(Loaded { address: segment.vmaddr(file.endian()), bytes });
        }
    }
    Ok(all)
}

/// The pointers that dyld sets: from the tables of opcodes that older linkers write, or the chains of newer ones.
fn pointers(file: &File<'_>, data: &[u8]) -> Result<BTreeMap<u64, Pointer>> {
    let segments = segments(file, data)?;
    let mut all = BTreeMap::new();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        if let Some(info) = command.dyld_info()? {
            from_opcodes(info, file.endian(), data, &segments, &mut all)?;
        }
        if let Some(command) = command.dyld_chained_fixups()? {
            from_chains(&command.chained_fixups(file.endian(), data)?, file.endian(), &segments, &mut all)?;
        }
    }
    Ok(all)
}

fn from_opcodes(
    info: &DyldInfoCommand<Endianness>,
    endian: Endianness,
    data: &[u8],
    segments: &[Loaded<'_>],
    all: &mut BTreeMap<u64, Pointer>,
) -> Result<()> {
    for rebase in info.rebases(endian, data, POINTER as u8)? {
        let rebase = rebase?;
        let segment = segment(segments, rebase.segment_index.into())?;
        let at = rebase.segment_offset as usize;
        let bytes = segment.bytes.get(at..at + POINTER).context("a pointer outside of its segment")?;
        let target = u64::from_le_bytes(bytes.try_into()?);
        all.insert(segment.address + rebase.segment_offset, Pointer::Local(target));
    }
    for bind in info.binds(endian, data, POINTER as u8)?.chain(info.lazy_binds(endian, data, POINTER as u8)?) {
        let bind = bind?;
        let address = segment(segments, bind.segment_index.into())?.address + bind.segment_offset;
        all.insert(address, Pointer::Imported(text(bind.symbol)));
    }
    Ok(())
}

fn from_chains(
    fixups: &DyldChainedFixups<'_, Endianness>,
    endian: Endianness,
    segments: &[Loaded<'_>],
    all: &mut BTreeMap<u64, Pointer>,
) -> Result<()> {
    let imports = fixups.imports(endian)?.map(|import| Ok(text(import?.name))).collect::<Result<Vec<_>>>()?;
    for chained in fixups.segments(endian)? {
        let chained = chained?;
        let segment = segment(segments, chained.index())?;
        for fixup in chained.fixups(endian, 0, segment.bytes) {
            let (offset, fixup) = fixup?;
            let pointer = match fixup {
                Fixup::Rebase(rebase) => Pointer::Local(rebase.target_offset),
                Fixup::Bind(bind) => {
                    let name = imports.get(bind.ordinal as usize).context("an import that is not in the list")?;
                    Pointer::Imported(name.clone())
                }
                _ => continue,
            };
            all.insert(segment.address + offset, pointer);
        }
    }
    Ok(())
}

fn segment<'all, 'data>(segments: &'all [Loaded<'data>], index: u32) -> Result<&'all Loaded<'data>> {
    segments.get(index as usize).with_context(|| format!("there is no segment {index}"))
}
