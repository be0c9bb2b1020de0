//! Reads Mach-O files, also universal ones.

use super::facts::{Binary, text};
use super::kinds::{CLibrary, Format, Linking, Protection};
use super::processor::Processor;
use anyhow::{Context, Result, bail};
use object::read::macho::{FatArch, LoadCommandVariant, MachHeader, MachOFatFile, MachOFile};
use object::{BigEndian, Endianness, FileKind, Object, ObjectSection, ReadRef, macho};

/// Reads a 32-bit or 64-bit Mach-O file.
pub fn read(kind: FileKind, data: &[u8]) -> Result<Binary> {
    match kind {
        FileKind::MachO32 => describe(&MachOFile::<macho::MachHeader32<Endianness>>::parse(data)?),
        _ => describe(&MachOFile::<macho::MachHeader64<Endianness>>::parse(data)?),
    }
}

/// Reads a universal file: the wanted slice, or the first one.
pub fn read_fat(kind: FileKind, data: &[u8], wanted: &Processor) -> Result<Binary> {
    match kind {
        FileKind::MachOFat32 => choose(MachOFatFile::<macho::FatArch32>::parse(data)?.arches(), data, wanted),
        _ => choose(MachOFatFile::<macho::FatArch64>::parse(data)?.arches(), data, wanted),
    }
}

fn choose(slices: &[impl FatArch], data: &[u8], wanted: &Processor) -> Result<Binary> {
    let mut binaries = Vec::new();
    for slice in slices {
        let (offset, size) = slice.file_range();
        let bytes = data.read_bytes_at(offset, size).ok().context("a slice is outside of the file")?;
        binaries.push(read(FileKind::parse(bytes)?, bytes)?);
    }
    let fitting = binaries.iter().position(|binary| binary.processor == *wanted).unwrap_or(0);
    if binaries.is_empty() {
        bail!("it is a universal file without a slice");
    }
    let mut chosen = binaries.remove(fitting);
    chosen.other_processors = binaries.into_iter().map(|binary| binary.processor).collect();
    Ok(chosen)
}

fn describe<Mach: MachHeader<Endian = Endianness>>(file: &MachOFile<'_, Mach>) -> Result<Binary> {
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

fn read_signature(
    part: &macho::LinkeditDataCommand<Endianness>,
    endian: Endianness,
    data: &[u8],
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

#[cfg(test)]
mod tests {
    use super::*;

    const X86_64: [u32; 2] = [0x0100_0007, 3];
    const ARM64: [u32; 2] = [0x0100_000c, 0];
    const ARM64E: [u32; 2] = [0x0100_000c, 0x8000_0002];

    fn little(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn big(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// A program of no more than a header and these load commands.
    fn program([processor, kind]: [u32; 2], flags: u32, commands: &[Vec<u8>]) -> Vec<u8> {
        let all = commands.concat();
        let header = [macho::MH_MAGIC_64, processor, kind, 2, commands.len() as u32, all.len() as u32, flags, 0];
        [little(&header), all].concat()
    }

    fn dynamic(processor: [u32; 2]) -> Vec<u8> {
        let loader = [little(&[0xe, 32, 12]), b"/usr/lib/dyld\0\0\0\0\0\0\0".to_vec()].concat();
        program(processor, macho::MH_DYLDLINK.0, &[loader])
    }

    fn read_64(bytes: &[u8]) -> Binary {
        read(FileKind::parse(bytes).unwrap(), bytes).unwrap()
    }

    #[test]
    fn tells_processors_and_linking_apart() {
        let binary = read_64(&dynamic(X86_64));
        assert_eq!((binary.processor.to_string().as_str(), binary.linking), ("x86_64", Linking::Dynamic));
        assert_eq!(binary.interpreter.unwrap().to_str(), Some("/usr/lib/dyld"));
        let binary = read_64(&program(ARM64, 0, &[]));
        assert_eq!((binary.processor.to_string().as_str(), binary.linking), ("aarch64", Linking::Static));
        let binary = read_64(&dynamic(ARM64E));
        assert!(binary.processor.is_arm64e(), "{}", binary.processor);
        assert_ne!(binary.processor, read_64(&dynamic(ARM64)).processor);
    }

    #[test]
    fn reads_the_wanted_slice_of_a_universal_file() {
        let slices = [dynamic(X86_64), dynamic(ARM64)];
        let size = slices[0].len() as u32;
        let entry = |[processor, kind]: [u32; 2], offset| vec![processor, kind, offset, size, 3];
        let header = [vec![macho::FAT_MAGIC, 2], entry(X86_64, 48), entry(ARM64, 48 + size)].concat();
        let bytes = [big(&header), slices.concat()].concat();
        let read = |wanted: &Processor| read_fat(FileKind::parse(&*bytes).unwrap(), &bytes, wanted).unwrap();
        let arm = read_64(&slices[1]).processor;
        let chosen = read(&arm);
        assert_eq!((&chosen.processor, chosen.other_processors[0].to_string().as_str()), (&arm, "x86_64"));
        let neither = read_64(&dynamic(ARM64E)).processor;
        assert_eq!(read(&neither).processor.to_string(), "x86_64");
        let truncated = &bytes[..60];
        assert!(read_fat(FileKind::parse(truncated).unwrap(), truncated, &arm).is_err());
    }

    #[test]
    fn sees_a_restricted_section() {
        let name = |text: &[u8]| [text, &[0; 16][text.len()..]].concat();
        let segment = [little(&[0x19, 152]), name(b"__RESTRICT"), little(&[0; 10]), little(&[1, 0])].concat();
        let section = [name(b"__restrict"), name(b"__RESTRICT"), little(&[0; 12])].concat();
        let binary = read_64(&program(ARM64, macho::MH_DYLDLINK.0, &[[segment, section].concat()]));
        assert!(binary.protection.restricted && !binary.protection.hardened_runtime);
    }

    /// A signature with a code directory of these flags, and entitlements.
    fn signed(flags: u32, entitlements: &[u8]) -> Binary {
        let directory = big(&[0xfade_0c02, 44, 0x2_0001, flags, 0, 0, 0, 0, 0, 0, 0]);
        let rights = [big(&[0xfade_7171, 8 + entitlements.len() as u32]), entitlements.to_vec()].concat();
        let index = big(&[0xfade_0cc0, 28 + 44 + rights.len() as u32, 2, 0, 28, 5, 28 + 44]);
        let signature = [index, directory, rights].concat();
        let command = little(&[0x1d, 16, 48, signature.len() as u32]);
        read_64(&[program(ARM64, macho::MH_DYLDLINK.0, &[command]), signature].concat())
    }

    #[test]
    fn reads_what_the_signature_allows() {
        let protection = signed(macho::CS_RUNTIME.0, b"").protection;
        assert!(protection.hardened_runtime && !protection.allows_dyld_variables);
        let entitlement = b"<key>com.apple.security.cs.allow-dyld-environment-variables</key><true/>";
        assert!(signed(macho::CS_RUNTIME.0, entitlement).protection.allows_dyld_variables);
        assert!(!signed(0, b"").protection.hardened_runtime);
    }
}
