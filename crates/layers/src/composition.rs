//! A composition: the result of a stack of layers.

use crate::words::Method;
use serde::Serialize;
use std::collections::BTreeMap;

/// A build, and the environment of the program that it builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Composition {
    /// The compiler's family.
    pub compiler: String,
    /// The compiler's version, if the base has one.
    pub compiler_version: Option<String>,
    /// The platform layer's name.
    pub platform: String,
    /// The C++ library's name, if one was chosen.
    pub stdlib: Option<String>,
    /// The build type's name.
    pub build_type: String,
    /// The allocator's name, if one was chosen.
    pub allocator: Option<String>,
    /// How the allocator gets into the program. Never [`Method::Auto`].
    pub method: Option<Method>,
    /// The flags for compiling C and C++.
    pub compile_flags: Vec<String>,
    /// The flags for linking.
    pub link_flags: Vec<String>,
    /// The definitions for the preprocessor: `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// The variables for CMake.
    pub cmake_variables: BTreeMap<String, String>,
    /// The environment variables for the program when it runs.
    pub runtime_environment: BTreeMap<String, String>,
    /// The layers as `TYPE/NAME`, in the order given.
    pub layers: Vec<String>,
    /// Warnings: what could not be decided here, in a sentence each.
    pub warnings: Vec<String>,
}
