//! The kinds of processors that object files name.

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
    /// Returns the processor for which a file was built.
    pub fn of<'data>(file: &impl Object<'data>) -> Self {
        Self {
            architecture: file.architecture(),
            sub_architecture: file.sub_architecture(),
            endianness: file.endianness(),
        }
    }

    /// Returns the processor on which this command runs.
    pub fn here() -> Self {
        let architecture = if cfg!(target_arch = "aarch64") { Architecture::Aarch64 } else { Architecture::X86_64 };
        Self { architecture, sub_architecture: None, endianness: Endianness::Little }
    }

    /// Returns the number of bits of a pointer, if the processor is known.
    pub fn bits(&self) -> Option<u32> {
        self.architecture.address_size().map(|size| u32::from(size.bytes()) * 8)
    }

    /// Returns whether it is arm64 with signed pointers, for which libraries of plain arm64 are not loaded.
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
