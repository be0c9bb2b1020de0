//! A stack of layers that were read, with those that every composition has.

use crate::allocator::Allocator;
use crate::build_layer::BuildLayer;
use crate::catalogue::Catalogue;
use crate::entry::Layer;
use crate::error::{Error, Problem};
use crate::spec::LayerSpec;
use crate::words::{Kind, System};

/// The layers of a composition, in the order given.
pub(crate) struct Stack {
    pub(crate) members: Vec<Member>,
}

/// A layer in the stack.
pub(crate) struct Member {
    pub(crate) spec: LayerSpec,
    pub(crate) layer: Layer,
    /// The name of its file in error messages.
    pub(crate) file: String,
}

impl Stack {
    /// Returns the stack of `members`, which must have one layer of each type that every composition has.
    pub(crate) fn of(members: Vec<Member>) -> Result<Self, Error> {
        let examples = [
            (Kind::Base, "base/clang-18"),
            (Kind::Platform, "platform/linux-x64"),
            (Kind::Buildtype, "buildtype/release"),
        ];
        for (kind, example) in examples {
            if !members.iter().any(|member| member.spec.kind == kind) {
                // Where it could be added.
                let place = members.last().and_then(|member| member.spec.place.clone());
                return Err(Error::at(place, Problem::MissingLayer { kind, example }));
            }
        }
        Ok(Self { members })
    }

    fn build_layer(&self, kind: Kind) -> Option<&BuildLayer> {
        self.members.iter().find_map(|member| match &member.layer {
            Layer::Build(layer) if layer.kind == kind => Some(&**layer),
            _ => None,
        })
    }

    pub(crate) fn base(&self) -> &BuildLayer {
        self.build_layer(Kind::Base).expect("a stack has a base")
    }

    pub(crate) fn platform(&self) -> &BuildLayer {
        self.build_layer(Kind::Platform).expect("a stack has a platform")
    }

    pub(crate) fn buildtype(&self) -> &BuildLayer {
        self.build_layer(Kind::Buildtype).expect("a stack has a buildtype")
    }

    pub(crate) fn stdlib(&self) -> Option<&BuildLayer> {
        self.build_layer(Kind::Stdlib)
    }

    pub(crate) fn compiler(&self) -> &str {
        &self.base().compiler.as_ref().expect("a base that was read has a compiler").value
    }

    pub(crate) fn system(&self) -> System {
        self.platform().system.expect("a platform that was read has a system")
    }

    /// Returns the allocator: what was asked for, the layer, and the name of its file in error messages.
    pub(crate) fn allocator(&self) -> Option<(&LayerSpec, &Allocator, &str)> {
        self.members.iter().find_map(|member| match &member.layer {
            Layer::Allocator(allocator) => Some((&member.spec, &**allocator, member.file.as_str())),
            Layer::Build(_) => None,
        })
    }
}

/// Reads the layers that `specs` name, and checks that there are not too many of any type.
pub(crate) fn read(catalogue: &Catalogue, specs: &[LayerSpec]) -> Result<Vec<Member>, Error> {
    let mut members: Vec<Member> = Vec::new();
    for spec in specs {
        if let Some(first) = members.iter().find(|member| excludes(&member.spec, spec)) {
            return Err(spec.error(only_one(&first.spec, spec)));
        }
        let entry = catalogue.find(spec)?;
        members.push(Member { spec: spec.clone(), layer: entry.read()?, file: entry.file() });
    }
    Ok(members)
}

/// Returns whether two layers exclude each other because of their type. A stack may have several different sanitizers, but only
/// one layer of every other type.
fn excludes(first: &LayerSpec, second: &LayerSpec) -> bool {
    first.kind == second.kind && (first.kind != Kind::Sanitizer || first.name == second.name)
}

fn only_one(first: &LayerSpec, second: &LayerSpec) -> Problem {
    let why = match first.kind {
        _ if first.name == second.name => "the same layer twice",
        Kind::Allocator => "a program has one allocator",
        Kind::Stdlib => "a program has one C++ library",
        _ => "a composition has one layer of this type",
    };
    Problem::OnlyOne { first: first.to_string(), second: second.to_string(), why }
}
