//! Reading Mach-O, also universal files.

use super::facts::{Binary, CLibrary, Data, Format, Linking, text};
use super::machine::Processor;
use anyhow::{Context, Result, bail};
use object::read::macho::{FatArch, LoadCommandVariant, MachHeader, MachOFatFile, MachOFile};
use object::{BigEndian, Endianness, FileKind, Object, ObjectSection, ReadRef, macho};
use serde::Serialize;

/// What a Mach-O file says about code that others bring into its process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Protection {
    /// It has a section `__RESTRICT,__restrict`: dyld drops its variables.
    pub restricted: bool,
    /// It is signed with the hardened runtime: dyld drops its variables.
    pub hardened_runtime: bool,
    /// It is signed with the entitlement that lets dyld's variables through all the same.
    pub allows_dyld_variables: bool,
}

/// Reads a 32-bit or 64-bit Mach-O file.
pub fn read<'data>(kind: FileKind, data: impl Data<'data>) -> Result<Binary> {
    match kind {
        FileKind::MachO32 => describe(&MachOFile::<macho::MachHeader32<Endianness>, _>::parse(data)?),
        _ => describe(&MachOFile::<macho::MachHeader64<Endianness>, _>::parse(data)?),
    }
}

/// Reads a universal file: the wanted slice, or the first.
pub fn read_fat<'data>(kind: FileKind, data: impl Data<'data>, wanted: Option<&Processor>) -> Result<Binary> {
    match kind {
        FileKind::MachOFat32 => choose(MachOFatFile::<macho::FatArch32>::parse(data)?.arches(), data, wanted),
        _ => choose(MachOFatFile::<macho::FatArch64>::parse(data)?.arches(), data, wanted),
    }
}

fn choose<'data>(slices: &[impl FatArch], data: impl Data<'data>, wanted: Option<&Processor>) -> Result<Binary> {
    let mut binaries = Vec::new();
    for slice in slices {
        let (offset, size) = slice.file_range();
        let bytes = data.read_bytes_at(offset, size).ok().context("a slice is outside of the file")?;
        binaries.push(read(FileKind::parse(bytes)?, bytes)?);
    }
    let fitting = binaries.iter().position(|binary| Some(&binary.processor) == wanted).unwrap_or(0);
    if binaries.is_empty() {
        bail!("it is a universal file without a slice");
    }
    let mut chosen = binaries.remove(fitting);
    chosen.other_processors = binaries.into_iter().map(|binary| binary.processor).collect();
    Ok(chosen)
}

fn describe<'data, Mach, R>(file: &MachOFile<'data, Mach, R>) -> Result<Binary>
where
    Mach: MachHeader<Endian = Endianness>,
    R: Data<'data>,
{
    let endian = file.endian();
    let header = file.macho_header();
    let linking = match header.filetype(endian) {
        macho::MH_EXECUTE if header.flags(endian).contains(macho::MH_DYLDLINK) => Linking::Dynamic,
        macho::MH_EXECUTE => Linking::Static,
        macho::MH_DYLIB | macho::MH_BUNDLE => Linking::Library,
        _ => bail!("it is neither a program nor a library"),
    };
    let mut binary = Binary::common(file, Format::MachO, linking)?;
    binary.c_library = Some(CLibrary::LibSystem);
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        let string = |name| command.string(endian, name).map(text);
        match command.variant()? {
            LoadCommandVariant::Dylib(library) => binary.needed.push(string(library.dylib.name)?),
            LoadCommandVariant::IdDylib(library) => binary.soname = Some(string(library.dylib.name)?),
            LoadCommandVariant::LoadDylinker(loader) => binary.interpreter = Some(string(loader.name)?.into()),
            LoadCommandVariant::Rpath(path) => binary.library_paths.push(string(path.path)?),
            LoadCommandVariant::LinkeditData(part) if command.cmd() == macho::LC_CODE_SIGNATURE => {
                read_signature(part, endian, file.data(), &mut binary.protection)?;
            }
            _ => {}
        }
    }
    binary.protection.restricted =
        file.sections().any(|section| section.segment_name().is_ok_and(|name| name == Some("__RESTRICT")));
    Ok(binary)
}

fn read_signature<'data>(
    part: &macho::LinkeditDataCommand<Endianness>,
    endian: Endianness,
    data: impl ReadRef<'data>,
    protection: &mut Protection,
) -> Result<()> {
    const ENTITLEMENT: &[u8] = b"com.apple.security.cs.allow-dyld-environment-variables";
    for blob in part.code_signature(endian, data)?.blobs() {
        let blob = blob?;
        if let Some(directory) = blob.code_directory()? {
            protection.hardened_runtime |= directory.header().flags.get(BigEndian).contains(macho::CS_RUNTIME);
        }
        if blob.slot() == macho::CSSLOT_ENTITLEMENTS {
            protection.allows_dyld_variables = memchr::memmem::find(blob.contents(), ENTITLEMENT).is_some();
        }
    }
    Ok(())
}
