//! What a layer needs of other layers, and with which ones it cannot be combined.

use crate::spec::canonical;
use crate::version::Version;
use crate::words::Kind;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// The requirements of a layer: one of the compilers and one of the platforms, if any are named.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// The compilers of which one must be used.
    #[serde(default)]
    pub compiler: Vec<CompilerRequirement>,
    /// The platforms of which one must be used: a system, such as `linux`, or a platform layer, such as `linux-x64`.
    #[serde(default)]
    pub platform: Vec<String>,
}

/// A compiler, and optionally its first version that will do: `clang`, `clang>=16`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompilerRequirement {
    /// The compiler's name.
    pub name: String,
    /// The first version that will do; `None` for any.
    pub at_least: Option<Version>,
}

impl FromStr for CompilerRequirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, version) = match text.split_once(">=") {
            Some((name, version)) => (name.trim(), Some(version.trim().parse()?)),
            None => (text.trim(), None),
        };
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-_".contains(letter)) {
            return Err(format!("'{text}' is no compiler; write clang, or clang>=16"));
        }
        Ok(Self { name: name.to_owned(), at_least: version })
    }
}

impl fmt::Display for CompilerRequirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at_least {
            Some(version) => write!(formatter, "{} {version} or later", self.name),
            None => self.name.fmt(formatter),
        }
    }
}

impl<'de> Deserialize<'de> for CompilerRequirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for CompilerRequirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_string().serialize(serializer)
    }
}

/// Layers with which this one cannot be combined, and the reason.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// The type of those layers.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The names of those layers; all layers of the type if empty.
    #[serde(default)]
    pub names: Vec<String>,
    /// The names of layers of the type that are not concerned.
    #[serde(default)]
    pub except: Vec<String>,
    /// The reason, as a sentence without its full stop.
    pub reason: String,
}

impl Conflict {
    /// Returns whether the layer `kind`/`name` is concerned.
    pub fn concerns(&self, kind: Kind, name: &str) -> bool {
        let listed = |names: &[String]| names.iter().any(|listed| canonical(kind, listed) == canonical(kind, name));
        kind == self.kind && (self.names.is_empty() || listed(&self.names)) && !listed(&self.except)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compilers_are_named_with_or_without_a_version() {
        let read = |text: &str| text.parse::<CompilerRequirement>();
        assert_eq!(read("clang>=16").unwrap().to_string(), "clang 16 or later");
        assert_eq!(read("gcc").unwrap(), CompilerRequirement { name: "gcc".into(), at_least: None });
        assert!(read("clang 16").is_err() && read(">=3").is_err() && read("clang>=new").is_err());
    }

    #[test]
    fn a_conflict_is_with_some_or_with_all_but_some() {
        let conflict = |names: &[&str], except: &[&str]| Conflict {
            kind: Kind::Allocator,
            names: names.iter().map(ToString::to_string).collect(),
            except: except.iter().map(ToString::to_string).collect(),
            reason: String::new(),
        };
        assert!(conflict(&[], &["default"]).concerns(Kind::Allocator, "jemalloc"));
        assert!(!conflict(&[], &["default"]).concerns(Kind::Allocator, "system"));
        assert!(!conflict(&[], &["system"]).concerns(Kind::Allocator, "glibc"));
        assert!(!conflict(&["jemalloc"], &[]).concerns(Kind::Allocator, "mimalloc"));
        assert!(!conflict(&[], &[]).concerns(Kind::Stdlib, "jemalloc"));
    }
}
