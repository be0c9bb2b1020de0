//! Where an allocator can be had.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strum::{Display, VariantArray};

/// The packages of an allocator.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Packages {
    /// To run programs on it.
    #[serde(default)]
    pub run: BTreeMap<PackageManager, Package>,
    /// To link programs against it.
    #[serde(default)]
    pub build: BTreeMap<PackageManager, Package>,
}

/// What to install with one package manager.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// All that are needed.
    pub names: Vec<String>,
    /// Whether Debian 12 was asked for them; other names are those that distributions publish, and were not checked.
    #[serde(default)]
    pub tried: bool,
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, Display, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum PackageManager {
    /// Debian, Ubuntu.
    Apt,
    /// Fedora, Red Hat.
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
    /// The command that installs, before the packages' names.
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
