//! Every layer but an allocator: flags, defines, variables.

use crate::error::{Error, Place, Problem};
use crate::requirements::{Conflict, Requirements};
use crate::version::Version;
use crate::words::{Kind, System};
use crate::yaml::{self, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A layer of any type but `allocator`, as its file says it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BuildLayer {
    /// The type: the folder the file lies in.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name: that of the file.
    pub name: String,
    /// One sentence for `xalloc layers list`.
    pub description: String,
    /// Of a base: the compiler's family, which other layers' requirements name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<Text>,
    /// Of a base: the compiler's version; without it, requirements of a version cannot be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// Of a platform: its system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// Of a platform: its processor, as in `x86_64` or `aarch64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// What it needs.
    #[serde(default)]
    pub requires: Requirements,
    /// What it cannot stand with.
    #[serde(default)]
    pub conflicts_with: Vec<Conflict>,
    /// Its flags.
    #[serde(default)]
    pub flags: Flags,
    /// Its further flags for one compiler: the compiler's family, then the flags.
    #[serde(default)]
    pub compiler_flags: BTreeMap<String, Flags>,
    /// What it defines for the preprocessor: `NAME` or `NAME=VALUE`.
    #[serde(default)]
    pub defines: Vec<Text>,
    /// Variables for CMake.
    #[serde(default)]
    pub cmake_variables: BTreeMap<String, Text>,
    /// Variables for the program when it runs.
    #[serde(default)]
    pub runtime_environment: BTreeMap<String, Text>,
}

/// Flags for the compiler and the linker.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flags {
    /// For both.
    #[serde(default)]
    pub common: Vec<Text>,
    /// For compiling only.
    #[serde(default)]
    pub compile: Vec<Text>,
    /// For linking only.
    #[serde(default)]
    pub link: Vec<Text>,
}

impl BuildLayer {
    /// Reads a layer's file; `file` is how errors call it.
    pub(crate) fn read(text: &str, file: &str) -> Result<Self, Error> {
        let layer: Self = yaml::read(text, file)?;
        layer.check_keys_of_type(file)?;
        for (name, value) in &layer.cmake_variables {
            if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_./+-".contains(letter)) {
                return Err(Error::at(Some(value.place(file)), Problem::BadCmakeName { name: name.clone() }));
            }
        }
        check_environment(&layer.runtime_environment, file)?;
        Ok(layer)
    }

    /// A base names its compiler and a platform its system, and no other layer does.
    fn check_keys_of_type(&self, file: &str) -> Result<(), Error> {
        let keys = [
            (Kind::Base, "compiler", self.compiler.is_some(), true),
            (Kind::Base, "version", self.version.is_some(), false),
            (Kind::Platform, "system", self.system.is_some(), true),
            (Kind::Platform, "processor", self.processor.is_some(), true),
        ];
        let start = Some(Place { file: file.to_owned(), line: 1, column: 1 });
        for (kind, key, is_there, is_needed) in keys {
            if is_there && self.kind != kind {
                return Err(Error::at(start, Problem::MisplacedKey { key, kind }));
            }
            if !is_there && is_needed && self.kind == kind {
                let why = format!("every {kind} layer has it");
                return Err(Error::at(start, Problem::MissingKey { key, why }));
            }
        }
        Ok(())
    }
}

/// Checks that every name is one that a shell can export.
pub(crate) fn check_environment(variables: &BTreeMap<String, Text>, file: &str) -> Result<(), Error> {
    for (name, value) in variables {
        let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !is_name || name.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            return Err(Error::at(Some(value.place(file)), Problem::BadVariableName { name: name.clone() }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        BuildLayer::read(text, "f.yaml").unwrap_err().to_string()
    }

    #[test]
    fn keys_belong_to_types() {
        assert_eq!(
            error("{type: stdlib, name: x, description: x, compiler: gcc}"),
            "f.yaml:1:1: key 'compiler' is for base layers only"
        );
        assert_eq!(
            error("{type: platform, name: x, description: x}"),
            "f.yaml:1:1: key 'system' is missing: every platform layer has it"
        );
    }

    #[test]
    fn names_that_a_shell_or_cmake_would_take_for_something_else_are_refused() {
        let text = "{type: stdlib, name: x, description: x, runtime_environment: {'A;B': y}}";
        assert!(error(text).contains("'A;B' is no name of an environment variable"));
        let text = "{type: stdlib, name: x, description: x, cmake_variables: {'A) B': y}}";
        assert!(error(text).contains("'A) B' is no name of a CMake variable"));
    }
}
