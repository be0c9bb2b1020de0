//! The name of a layer in a stack, and how it is to be used.

use crate::error::{Error, Place, Problem};
use crate::words::{Kind, Method};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The name of the C library's own malloc among the allocators.
pub const SYSTEM: &str = "system";
/// Its other names: those of other tools and of most Linux systems.
const SYSTEM_TOO: [&str; 2] = ["default", "glibc"];

/// Returns the canonical name of a layer that may have several.
pub fn canonical(kind: Kind, name: &str) -> &str {
    if kind == Kind::Allocator && SYSTEM_TOO.contains(&name) { SYSTEM } else { name }
}

/// A layer in a stack: `TYPE/NAME`, and for an allocator how it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// The layer's type.
    pub kind: Kind,
    /// The layer's name.
    pub name: String,
    /// How the allocator gets into the program; `None` means `auto`.
    pub method: Option<Method>,
    /// The values of the allocator's options.
    pub options: BTreeMap<String, String>,
    /// The place where the stack names it, if that is in a file.
    pub place: Option<Place>,
}

impl LayerSpec {
    /// Returns the layer `kind`/`name`. `default` and `glibc` are other names of the allocator `system`.
    ///
    /// # Errors
    /// [`Problem::NotALayer`] if `name` is not a name.
    pub fn new(kind: Kind, name: &str) -> Result<Self, Problem> {
        if !is_name(name) {
            return Err(Problem::NotALayer { text: format!("{kind}/{name}") });
        }
        Ok(Self { kind, name: canonical(kind, name).to_owned(), method: None, options: BTreeMap::new(), place: None })
    }

    pub(crate) fn error(&self, problem: Problem) -> Error {
        Error::at(self.place.clone(), problem)
    }
}

/// Returns whether `text` can be a layer's name. A name is a file's name, so it must not lead out of the folder.
pub(crate) fn is_name(text: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "+-_.".contains(letter);
    !text.is_empty() && !text.starts_with('.') && text.chars().all(is_letter)
}

impl FromStr for LayerSpec {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let (kind, name) = text.split_once('/').ok_or_else(|| Problem::NotALayer { text: text.to_owned() })?;
        Self::new(Kind::parse(kind)?, name)
    }
}

impl fmt::Display for LayerSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_type_and_name() {
        let spec: LayerSpec = "stdlib/libc++".parse().unwrap();
        assert_eq!((spec.kind, spec.to_string()), (Kind::Stdlib, "stdlib/libc++".into()));
        for text in ["jemalloc", "allocator/", "allocator/../x", "allocator/a/b", "allocator/.x"] {
            assert!(matches!(text.parse::<LayerSpec>(), Err(Problem::NotALayer { .. })), "{text}");
        }
        let error = "alocator/jemalloc".parse::<LayerSpec>().unwrap_err().to_string();
        assert!(error.ends_with("did you mean 'allocator'?"), "{error}");
    }
}
