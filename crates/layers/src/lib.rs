//! Layers: what a build and a run need, composed from small YAML files.
//!
//! A layer is one file, `TYPE/NAME.yaml`: a compiler (`base`), a `platform`, a `buildtype`, a `stdlib`, a `sanitizer` or an
//! `allocator`. [`Composer`] makes one [`Composition`] of a stack of them: flags, defines, CMake variables and the environment
//! of the program. If two layers cannot be combined, it returns an [`Error`] that names both.
//!
//! The allocator layers are also xalloc's catalogue of allocators: see [`Catalogue::allocators`].
//!
//! ```
//! use xalloc_layers::{Catalogue, Composer, Format, LayerSpec};
//!
//! let stack = ["base/clang-18", "platform/linux-x64", "buildtype/release", "allocator/jemalloc"];
//! let stack = stack.map(|text| text.parse::<LayerSpec>().unwrap());
//! let composition = Composer::new(Catalogue::builtin()).compose(&stack)?;
//! assert!(composition.link_flags.contains(&"-ljemalloc".to_owned()));
//! assert!(composition.render(Format::Sh)?.contains("export CC=clang-18"));
//! # Ok::<(), xalloc_layers::Error>(())
//! ```

#![forbid(unsafe_code)]

mod allocator;
mod build_layer;
mod builtin;
mod catalogue;
mod composer;
mod composition;
mod directories;
mod entry;
mod environment;
mod error;
mod format;
mod integration;
mod number;
mod options;
mod packages;
mod parse;
mod requirements;
mod rules;
mod spec;
mod stack;
mod toolchain;
mod variables;
mod version;
mod words;
mod yaml;

pub use allocator::{Allocator, Characteristics, Link, Preload, Support};
pub use build_layer::{BuildLayer, Flags};
pub use catalogue::Catalogue;
pub use composer::Composer;
pub use composition::Composition;
pub use directories::Directories;
pub use entry::{Entry, Layer, Origin};
pub use environment::Assignment;
pub use error::{Error, Place, Problem};
pub use format::Format;
pub use integration::is_preloadable;
pub use number::Number;
pub use options::AllocatorOption;
pub use packages::{Package, PackageManager, Packages};
pub use requirements::{CompilerRequirement, Conflict, Requirements};
pub use spec::{LayerSpec, SYSTEM, canonical};
pub use toolchain::Toolchain;
pub use version::Version;
pub use words::{Kind, Method, System, nearest};
pub use yaml::Text;
