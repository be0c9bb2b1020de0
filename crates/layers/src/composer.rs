//! Makes one composition from a stack of layers.

use crate::allocator::Allocator;
use crate::build_layer::{BuildLayer, Flags};
use crate::catalogue::Catalogue;
use crate::composition::Composition;
use crate::entry::Layer;
use crate::error::Error;
use crate::integration::{self, Resolver};
use crate::rules;
use crate::spec::LayerSpec;
use crate::stack::{self, Stack};
use crate::variables::Variables;
use crate::yaml::Text;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A composer of layers.
pub struct Composer<'a> {
    catalogue: Catalogue,
    variables: BTreeMap<String, String>,
    resolver: Resolver<'a>,
}

impl<'a> Composer<'a> {
    /// Returns a composer of layers from `catalogue`.
    pub fn new(catalogue: Catalogue) -> Self {
        Self { catalogue, variables: BTreeMap::new(), resolver: Box::new(|_| None) }
    }

    /// Gives `{{name}}` a value. It has precedence over a value that the composition itself has for the name.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the function that finds an allocator's library, for the methods that preload it. It is called only if the
    /// composition is for this machine. If it finds nothing, the composition has the library's file name alone, and a warning.
    pub fn resolver(mut self, resolver: impl Fn(&Allocator) -> Option<PathBuf> + 'a) -> Self {
        self.resolver = Box::new(resolver);
        self
    }

    /// Returns the composition of `layers`. Flags are in the order of the layers; of two values of a variable the later one is
    /// used.
    ///
    /// # Errors
    /// If a layer is missing, cannot be read, or cannot be combined with another.
    pub fn compose(&self, layers: &[LayerSpec]) -> Result<Composition, Error> {
        let members = stack::read(&self.catalogue, layers)?;
        // Conflicts are checked before missing layers, because the user must resolve them whatever else is added.
        rules::check_conflicts(&members)?;
        let stack = Stack::of(members)?;
        let warnings = rules::check(&stack)?;
        let mut composition = facts(&stack);
        composition.warnings = warnings;
        let variables = self.variables(&composition);
        for member in &stack.members {
            if let Layer::Build(layer) = &member.layer {
                add(&mut composition, layer, &variables, &member.file)?;
            }
            composition.layers.push(member.spec.to_string());
        }
        integration::add(&mut composition, &stack, &self.catalogue, &variables, &self.resolver)?;
        Ok(composition)
    }

    fn variables(&self, composition: &Composition) -> Variables {
        let mut values = BTreeMap::from([
            ("compiler".to_owned(), composition.compiler.clone()),
            ("platform".to_owned(), composition.platform.clone()),
            ("build_type".to_owned(), composition.build_type.clone()),
        ]);
        values.extend(composition.compiler_version.clone().map(|version| ("compiler_version".to_owned(), version)));
        values.extend(composition.stdlib.clone().map(|stdlib| ("stdlib".to_owned(), stdlib)));
        values.extend(self.variables.clone());
        Variables(values)
    }
}

/// Returns a composition with what the layers' names say, but without flags.
fn facts(stack: &Stack) -> Composition {
    Composition {
        compiler: stack.compiler().to_owned(),
        compiler_version: stack.base().version.as_ref().map(ToString::to_string),
        platform: stack.platform().name.clone(),
        stdlib: stack.stdlib().map(|layer| layer.name.clone()),
        build_type: stack.buildtype().name.clone(),
        ..Composition::default()
    }
}

fn add(composition: &mut Composition, layer: &BuildLayer, variables: &Variables, file: &str) -> Result<(), Error> {
    let fill = |texts: &[Text]| texts.iter().map(|text| variables.fill(text, file)).collect::<Result<Vec<_>, _>>();
    let none = Flags::default();
    let of_compiler = layer.compiler_flags.get(&composition.compiler).unwrap_or(&none);
    for flags in [&layer.flags, of_compiler] {
        composition.compile_flags.extend(fill(&flags.common)?);
        composition.compile_flags.extend(fill(&flags.compile)?);
        composition.link_flags.extend(fill(&flags.common)?);
        composition.link_flags.extend(fill(&flags.link)?);
    }
    composition.defines.extend(fill(&layer.defines)?);
    for (name, value) in &layer.cmake_variables {
        composition.cmake_variables.insert(name.clone(), variables.fill(value, file)?);
    }
    for (name, value) in &layer.runtime_environment {
        composition.runtime_environment.insert(name.clone(), variables.fill(value, file)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
