//! What a stack of layers comes to.

use crate::words::Method;
use serde::Serialize;
use std::collections::BTreeMap;

/// A build and the environment of what it builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Composition {
    /// The compiler's family.
    pub compiler: String,
    /// Its version, if the base says one.
    pub compiler_version: Option<String>,
    /// The platform layer's name.
    pub platform: String,
    /// The C++ library's name, if one was chosen.
    pub stdlib: Option<String>,
    /// The build type's name.
    pub build_type: String,
    /// The allocator's name, if one was chosen.
    pub allocator: Option<String>,
    /// How it gets into the program: never [`Method::Auto`].
    pub method: Option<Method>,
    /// For compiling C and C++.
    pub compile_flags: Vec<String>,
    /// For linking.
    pub link_flags: Vec<String>,
    /// For the preprocessor: `NAME` or `NAME=VALUE`.
    pub defines: Vec<String>,
    /// For CMake.
    pub cmake_variables: BTreeMap<String, String>,
    /// For the program when it runs.
    pub runtime_environment: BTreeMap<String, String>,
    /// The layers, `TYPE/NAME`, in the order given.
    pub layers: Vec<String>,
    /// What could not be decided here, a sentence each.
    pub warnings: Vec<String>,
}
