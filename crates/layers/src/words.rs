//! The words that layers are written with: types of layers, methods of integration, systems.

use serde::Serialize;
use strum::{EnumString, VariantArray};

/// What a layer is about: the folder it lies in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display, EnumString, VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// A compiler. Every composition has one.
    Base,
    /// A system and a processor. Every composition has one.
    Platform,
    /// Optimised, for debugging, small. Every composition has one.
    Buildtype,
    /// A C++ library. A composition has one or none.
    Stdlib,
    /// What the compiler watches at run time. A composition has any number.
    Sanitizer,
    /// What serves malloc. A composition has one or none.
    Allocator,
}

/// How an allocator gets into a program.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display, EnumString, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Method {
    /// The method that the allocator's layer says is its platform's default.
    Auto,
    /// The program is linked against it.
    Link,
    /// The loader puts it in front of the C library: `LD_PRELOAD`, on macOS `DYLD_INSERT_LIBRARIES`.
    LdPreload,
    /// As `ld_preload`, with libxalloc in front, which passes every call through to it.
    Proxy,
    /// Nothing is done: the C library's own malloc serves.
    None,
}

/// An operating system.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display, EnumString, VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum System {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl System {
    /// The variable that names libraries to load in front of all others; none on Windows.
    pub fn preload_variable(self) -> Option<&'static str> {
        match self {
            Self::Linux => Some("LD_PRELOAD"),
            Self::Macos => Some("DYLD_INSERT_LIBRARIES"),
            Self::Windows => None,
        }
    }

    /// Whether `variable` is one of those of [`System::preload_variable`]: what it holds is added to, never replaced.
    pub(crate) fn is_preload_variable(variable: &str) -> bool {
        Self::VARIANTS.iter().any(|system| system.preload_variable() == Some(variable))
    }
}

/// The one of `words` that `typed` was probably meant to be; nothing if none is near.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    words
        .into_iter()
        .map(|word| (strsim::jaro_winkler(typed, word), word))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word.to_owned())
}
