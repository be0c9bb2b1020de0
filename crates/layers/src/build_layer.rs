//! Every layer except allocators: flags, defines, variables.

use crate::error::{Error, Place, Problem};
use crate::requirements::{Conflict, Requirements};
use crate::version::Version;
use crate::words::{Kind, System};
use crate::yaml::{self, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A layer of any type except `allocator`, as its file describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BuildLayer {
    /// The type, which is also the folder of the file.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name, which is also that of the file.
    pub name: String,
    /// What it is, in one sentence for `xalloc layers list`.
    pub description: String,
    /// The compiler's family, which the requirements of other layers name. Only in a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<Text>,
    /// The compiler's version. Only in a base; without it, no requirement of a version can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The operating system. Only in a platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// The processor, such as `x86_64` or `aarch64`. Only in a platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// What it needs of other layers.
    #[serde(default)]
    pub requires: Requirements,
    /// The layers with which it cannot be combined.
    #[serde(default)]
    pub conflicts_with: Vec<Conflict>,
    /// Its flags for every compiler.
    #[serde(default)]
    pub flags: Flags,
    /// Its additional flags for one compiler, by the compiler's family.
    #[serde(default)]
    pub compiler_flags: BTreeMap<String, Flags>,
    /// Its definitions for the preprocessor: `NAME` or `NAME=VALUE`.
    #[serde(default)]
    pub defines: Vec<Text>,
    /// Its variables for CMake.
    #[serde(default)]
    pub cmake_variables: BTreeMap<String, Text>,
    /// Its environment variables for the program when it runs.
    #[serde(default)]
    pub runtime_environment: BTreeMap<String, Text>,
}

/// Flags for the compiler and the linker.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Flags {
    /// Flags for both compiling and linking.
    #[serde(default)]
    pub common: Vec<Text>,
    /// Flags for compiling only.
    #[serde(default)]
    pub compile: Vec<Text>,
    /// Flags for linking only.
    #[serde(default)]
    pub link: Vec<Text>,
}

impl BuildLayer {
    /// Reads a layer's file. `file` is its name in error messages.
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

    /// Checks that a base names its compiler, a platform its system, and no other layer either.
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

/// Checks that a shell can export every name in `variables`.
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
