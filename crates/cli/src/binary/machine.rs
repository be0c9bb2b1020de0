//! What a preloaded library must fit: processor, system, C library, and the rights of who starts the program.

use super::facts::{Binary, CLibrary, Format};
use object::{Architecture, Endianness, Object, SubArchitecture};
use serde::Serialize;

/// A kind of processor, with the size of a pointer and the order of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    architecture: Architecture,
    sub_architecture: Option<SubArchitecture>,
    endianness: Endianness,
}

impl Processor {
    /// The one that a file is for.
    pub fn of<'data>(file: &impl Object<'data>) -> Self {
        Self {
            architecture: file.architecture(),
            sub_architecture: file.sub_architecture(),
            endianness: file.endianness(),
        }
    }

    /// The one that this command runs on.
    fn here() -> Self {
        let architecture = if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };
        Self { architecture, sub_architecture: None, endianness: Endianness::Little }
    }

    /// The bits of a pointer, if the processor is a known one.
    pub fn bits(&self) -> Option<u32> {
        self.architecture.address_size().map(|size| u32::from(size.bytes()) * 8)
    }

    /// It is arm64 with signed pointers, for which libraries of plain arm64 are not loaded.
    pub fn is_arm64e(&self) -> bool {
        self.sub_architecture == Some(SubArchitecture::Arm64E)
    }
}

impl std::fmt::Display for Processor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.sub_architecture {
            Some(special) => format!("{special:?}"),
            None => format!("{:?}", self.architecture),
        };
        let usual = match self.architecture {
            Architecture::S390x | Architecture::PowerPc | Architecture::Sparc64 => Endianness::Big,
            _ => Endianness::Little,
        };
        let order = match self.endianness {
            endianness if endianness == usual => "",
            Endianness::Big => " (big-endian)",
            Endianness::Little => " (little-endian)",
        };
        write!(formatter, "{}{order}", name.to_lowercase())
    }
}

impl Serialize for Processor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a preloaded library must fit.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The library's processor.
    pub processor: Processor,
    /// The library's format.
    pub format: Format,
    /// The library's C library; nothing if it needs none, or that is not known.
    pub c_library: Option<CLibrary>,
    /// The library serves modules that are opened with `RTLD_DEEPBIND` too, for which it must define `dlopen`.
    pub serves_deepbind: bool,
    /// Who starts the program.
    pub user: u32,
    /// That user's group.
    pub group: u32,
}

impl Machine {
    /// This one. What fits it is what this command itself was built for.
    pub fn here() -> Self {
        let (format, c_library) = match () {
            () if cfg!(target_os = "macos") => (Format::MachO, CLibrary::LibSystem),
            () if cfg!(target_env = "musl") => (Format::Elf, CLibrary::Musl),
            () => (Format::Elf, CLibrary::Glibc),
        };
        Self::with(Processor::here(), format, Some(c_library), true)
    }

    /// What fits a library.
    pub fn of(library: &Binary) -> Self {
        let serves_deepbind = library.exports.contains("dlopen");
        Self::with(library.processor.clone(), library.format, library.c_library, serves_deepbind)
    }

    fn with(processor: Processor, format: Format, c_library: Option<CLibrary>, serves_deepbind: bool) -> Self {
        Self {
            processor,
            format,
            c_library,
            serves_deepbind,
            user: rustix::process::getuid().as_raw(),
            group: rustix::process::getgid().as_raw(),
        }
    }
}
