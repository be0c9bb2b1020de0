//! The packages that contain an allocator.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strum::{Display, VariantArray};

/// The packages of an allocator.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// The packages to run programs on it.
    #[serde(default)]
    pub run: BTreeMap<PackageManager, Package>,
    /// The packages to link programs with it.
    #[serde(default)]
    pub build: BTreeMap<PackageManager, Package>,
}

/// The packages to install with one package manager.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// The names of all packages that are needed.
    pub names: Vec<String>,
    /// Whether they were installed and tried on Debian 12. Other names are those that distributions publish, and were not
    /// checked.
    #[serde(default)]
    pub tried: bool,
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, Display, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PackageManager {
    /// Debian and Ubuntu.
    Apt,
    /// Fedora and Red Hat.
    Dnf,
    /// Arch.
    Pacman,
    /// openSUSE.
    Zypper,
    /// Alpine.
    Apk,
    /// Homebrew.
    Brew,
}

impl PackageManager {
    /// Returns the command that installs packages, to be followed by their names.
    pub fn install(self) -> &'static str {
        match self {
            Self::Apt => "apt install",
            Self::Dnf => "dnf install",
            Self::Pacman => "pacman -S",
            Self::Zypper => "zypper install",
            Self::Apk => "apk add",
            Self::Brew => "brew install",
        }
    }
}
