//! Reading ELF.

use super::facts::{Binary, CLibrary, Format, Linking, text};
use anyhow::{Result, bail};
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, Object, elf};
use std::path::PathBuf;

/// Reads a 32-bit or 64-bit ELF file.
pub fn read(kind: FileKind, data: &[u8]) -> Result<Binary> {
    match kind {
        FileKind::Elf32 => describe(&ElfFile::<elf::FileHeader32<Endianness>>::parse(data)?),
        _ => describe(&ElfFile::<elf::FileHeader64<Endianness>>::parse(data)?),
    }
}

fn describe<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<Binary> {
    let kind = file.elf_header().e_type(file.endian());
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        bail!("it is an object file or a core dump, no program");
    }
    let mut binary = Binary::common(file, Format::Elf, Linking::Static)?;
    binary.interpreter = interpreter(file)?;
    let position_independent = read_dynamic(file, &mut binary)?;
    binary.linking = match (kind, &binary.interpreter) {
        (_, Some(_)) => Linking::Dynamic,
        (elf::ET_EXEC, None) => Linking::Static,
        (_, None) if position_independent => Linking::StaticPie,
        // Linkers that do not mark what they made: a library has a name, asks for others, or cannot be entered.
        (_, None) if binary.soname.is_some() || !binary.needed.is_empty() || file.entry() == 0 => Linking::Library,
        (_, None) => Linking::StaticPie,
    };
    binary.c_library = c_library(&binary, file.section_by_name(".note.android.ident").is_some());
    Ok(binary)
}

fn interpreter<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<Option<PathBuf>> {
    for segment in file.elf_program_headers() {
        if let Some(path) = segment.interpreter(file.endian(), file.data())? {
            return Ok(Some(text(path).into()));
        }
    }
    Ok(None)
}

/// Reads the dynamic section into `binary`; whether it is marked as a program that runs at any address.
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
