//! An entry of the catalogue: where a layer comes from, and what its file says.

use crate::allocator::Allocator;
use crate::build_layer::BuildLayer;
use crate::builtin;
use crate::error::{Error, Place, Problem};
use crate::requirements::Conflict;
use crate::words::Kind;
use std::fmt;
use std::path::PathBuf;

/// The place from which a layer comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file of the project.
    Project(PathBuf),
    /// A file of the user.
    User(PathBuf),
    /// A built-in layer.
    Builtin,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(path) | Self::User(path) => path.display().fmt(formatter),
            Self::Builtin => formatter.write_str("builtin"),
        }
    }
}

/// A layer of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The layer's type.
    pub kind: Kind,
    /// The layer's name.
    pub name: String,
    /// The place from which it comes.
    pub origin: Origin,
}

/// A layer whose file was read.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A layer of any type except `allocator`.
    Build(Box<BuildLayer>),
    /// An allocator.
    Allocator(Box<Allocator>),
}

impl Layer {
    /// Returns the layer's description.
    pub fn description(&self) -> &str {
        match self {
            Self::Build(layer) => &layer.description,
            Self::Allocator(allocator) => &allocator.description,
        }
    }

    /// Returns the layers with which it cannot be combined.
    pub fn conflicts_with(&self) -> &[Conflict] {
        match self {
            Self::Build(layer) => &layer.conflicts_with,
            Self::Allocator(allocator) => &allocator.conflicts_with,
        }
    }

    fn read(kind: Kind, text: &str, file: &str) -> Result<(Self, Kind, String), Error> {
        if kind == Kind::Allocator {
            let allocator = Box::new(Allocator::read(text, file)?);
            let (kind, name) = (allocator.kind, allocator.name.clone());
            return Ok((Self::Allocator(allocator), kind, name));
        }
        let layer = Box::new(BuildLayer::read(text, file)?);
        let (kind, name) = (layer.kind, layer.name.clone());
        Ok((Self::Build(layer), kind, name))
    }
}

impl Entry {
    /// Returns `TYPE/NAME`.
    pub fn layer_name(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Returns the name of its file in error messages.
    pub fn file(&self) -> String {
        match &self.origin {
            Origin::Project(path) | Origin::User(path) => path.display().to_string(),
            Origin::Builtin => format!("<builtin>/{}.yaml", self.layer_name()),
        }
    }

    /// Returns its YAML text.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn source(&self) -> Result<String, Error> {
        let path = match &self.origin {
            Origin::Project(path) | Origin::User(path) => path,
            Origin::Builtin => return Ok(builtin::source(self.kind, &self.name).unwrap_or_default().to_owned()),
        };
        let reason = |error: std::io::Error| Problem::Unreadable { path: self.file(), reason: error.to_string() };
        Ok(std::fs::read_to_string(path).map_err(reason)?)
    }

    /// Reads the layer.
    ///
    /// # Errors
    /// If its file cannot be read, or if the content does not fit the path; with the place.
    pub fn read(&self) -> Result<Layer, Error> {
        let file = self.file();
        let (layer, kind, name) = Layer::read(self.kind, &self.source()?, &file)?;
        if (kind, name.as_str()) != (self.kind, self.name.as_str()) {
            let place = Place { file, line: 1, column: 1 };
            let content = format!("type: {kind}, name: {name}");
            return Err(Error::at(Some(place), Problem::WrongPath { path: self.layer_name(), content }));
        }
        Ok(layer)
    }
}
