//! The words of the layers' grammar: types of layers, methods of integration, systems.

use serde::Serialize;
use strum::{EnumString, VariantArray};

/// The type of a layer, which is the folder of its file.
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
    /// Optimised, for debugging, or small. Every composition has one.
    Buildtype,
    /// A C++ library. A composition has one or none.
    Stdlib,
    /// A check by the compiler at run time. A composition has any number.
    Sanitizer,
    /// An allocator. A composition has one or none.
    Allocator,
}

/// The way in which an allocator gets into a program.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display, EnumString, VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Method {
    /// The default of the platform, according to the allocator's layer.
    Auto,
    /// The program is linked with it.
    Link,
    /// The loader loads it before the C library: `LD_PRELOAD`, on macOS `DYLD_INSERT_LIBRARIES`.
    LdPreload,
    /// It is preloaded with libxalloc before it, which passes every call through to it.
    Proxy,
    /// Nothing is done: the program uses the C library's own malloc.
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
    /// Returns the variable that names libraries to load before all others; `None` on Windows.
    pub fn preload_variable(self) -> Option<&'static str> {
        match self {
            Self::Linux => Some("LD_PRELOAD"),
            Self::Macos => Some("DYLD_INSERT_LIBRARIES"),
            Self::Windows => None,
        }
    }

    /// Returns whether `variable` is one that [`System::preload_variable`] returns. Its value is extended, never replaced.
    pub(crate) fn is_preload_variable(variable: &str) -> bool {
        Self::VARIANTS.iter().any(|system| system.preload_variable() == Some(variable))
    }
}

/// Returns the one of `words` that `typed` was probably meant to be; `None` if none is near.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<String> {
    words
        .into_iter()
        .map(|word| (strsim::jaro_winkler(typed, word), word))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word.to_owned())
}
