//! Reads ELF files.

use super::facts::{Binary, text};
use super::kinds::{CLibrary, Format, Linking};
use anyhow::{Result, anyhow, bail};
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, Object, elf};
use std::fmt::Display;
use std::ops::Range;
use std::path::PathBuf;

/// Reads a 32-bit or 64-bit ELF file.
pub fn read(kind: FileKind, data: &[u8]) -> Result<Binary> {
    match kind {
        FileKind::Elf32 => parse::<elf::FileHeader32<Endianness>>(data, &[32..36, 48..52]),
        _ => parse::<elf::FileHeader64<Endianness>>(data, &[40..48, 60..64]),
    }
}

/// Reads a file with pointers of one size. `sections` is where its header has the address of its table of sections.
fn parse<Elf: FileHeader<Endian = Endianness>>(data: &[u8], sections: &[Range<usize>]) -> Result<Binary> {
    if let Ok(file) = ElfFile::<Elf>::parse(data) {
        return describe(&file);
    }
    // The kernel and the loader do not need that table, and most of the facts do not either; so if only the table is damaged,
    // the file is read without it.
    let mut without = data.to_owned();
    for range in sections {
        without.get_mut(range.clone()).ok_or_else(|| damaged("its header is not whole"))?.fill(0);
    }
    describe(&ElfFile::<Elf>::parse(&*without).map_err(damaged)?)
}

/// Returns the error for a file that begins like a program and is damaged.
fn damaged(reason: impl Display) -> anyhow::Error {
    anyhow!("it is cut off or damaged ({reason}); build it or copy it again")
}

fn describe<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<Binary> {
    let kind = file.elf_header().e_type(file.endian());
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        bail!("it is an object file or a core dump, no program");
    }
    check_size(file)?;
    let mut binary = Binary::common(file, Format::Elf, Linking::Static)?;
    binary.interpreter = interpreter(file)?;
    let position_independent = read_dynamic(file, &mut binary)?;
    binary.linking = match (kind, &binary.interpreter) {
        (_, Some(_)) => Linking::Dynamic,
        (elf::ET_EXEC, None) => Linking::Static,
        (_, None) if position_independent => Linking::StaticPie,
        // Some linkers do not mark what they made. A library has a name, or needs other libraries, or has no entry point.
        (_, None) if binary.soname.is_some() || !binary.needed.is_empty() || file.entry() == 0 => Linking::Library,
        (_, None) => Linking::StaticPie,
    };
    binary.c_library = c_library(&binary, file.section_by_name(".note.android.ident").is_some());
    Ok(binary)
}

/// Refuses a file that ends before the end of what is loaded of it: the program would be killed when it reads the part that is
/// missing.
fn check_size<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<()> {
    let size = file.data().len() as u64;
    for segment in file.elf_program_headers().iter().filter(|segment| segment.p_type(file.endian()) == elf::PT_LOAD) {
        let (start, length) = segment.file_range(file.endian());
        if start.checked_add(length).is_none_or(|end| end > size) {
            return Err(damaged(format!("it has {size} bytes, but a part that is loaded ends after that")));
        }
    }
    Ok(())
}

fn interpreter<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<Option<PathBuf>> {
    for segment in file.elf_program_headers() {
        if let Some(path) = segment.interpreter(file.endian(), file.data())? {
            return Ok(Some(text(path).into()));
        }
    }
    Ok(None)
}

/// Reads the dynamic section into `binary`. Returns whether it marks a program that runs at any address.
fn read_dynamic<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>, binary: &mut Binary) -> Result<bool> {
    let dynamic = file.elf_dynamic_table()?;
    let mut position_independent = false;
    for entry in &dynamic {
        match entry.tag {
            elf::DT_NEEDED => binary.needed.push(text(dynamic.string(entry)?)),
            elf::DT_SONAME => binary.soname = Some(text(dynamic.string(entry)?)),
            elf::DT_RPATH | elf::DT_RUNPATH => binary.library_paths.push(text(dynamic.string(entry)?)),
            elf::DT_FLAGS_1 => position_independent = entry.val & elf::DF_1_PIE.0 != 0,
            _ => {}
        }
    }
    Ok(position_independent)
}

fn c_library(binary: &Binary, android: bool) -> Option<CLibrary> {
    let loader = binary.interpreter.as_ref().and_then(|path| path.file_name()?.to_str()).unwrap_or_default();
    let needs = |beginning: &str| binary.needed.iter().any(|name| name.starts_with(beginning));
    if android || matches!(loader, "linker" | "linker64") {
        Some(CLibrary::Bionic)
    } else if loader.starts_with("ld-musl") || needs("libc.musl") || binary.needed.iter().any(|name| name == "libc.so")
    {
        Some(CLibrary::Musl)
    } else if loader.starts_with("ld-linux") || loader.starts_with("ld64.so") || needs("libc.so.6") {
        Some(CLibrary::Glibc)
    } else {
        None
    }
}
