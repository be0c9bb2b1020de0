//! The kinds by which object files differ: format, linking, C library, protection.

use serde::Serialize;

/// The format of an object file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Linux and most Unix systems.
    Elf,
    /// macOS.
    MachO,
}

/// The way in which a file was linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Linking {
    /// A program that a dynamic loader starts.
    Dynamic,
    /// A program that contains everything, at a fixed address.
    Static,
    /// A program that contains everything, at any address.
    StaticPie,
    /// A library that programs load.
    Library,
}

/// The C libraries that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CLibrary {
    /// The GNU C library.
    Glibc,
    /// musl.
    Musl,
    /// Android's.
    Bionic,
    /// macOS's.
    LibSystem,
}

impl std::fmt::Display for CLibrary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
            Self::Bionic => "Android's C library",
            Self::LibSystem => "macOS's C library",
        })
    }
}

/// What a Mach-O file says about code that others bring into its process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Protection {
    /// Whether it has a section `__RESTRICT,__restrict`. Then dyld ignores its variables.
    pub restricted: bool,
    /// Whether it is signed with the hardened runtime. Then dyld ignores its variables.
    pub hardened_runtime: bool,
    /// Whether it is signed with the entitlement by which dyld obeys its variables nevertheless.
    pub allows_dyld_variables: bool,
}
