//! `xalloc layers show`.

use super::lines::{line, variables, words};
use super::show_allocator;
use anyhow::{Result, bail};
use std::process::ExitCode;
use xalloc_layers::{BuildLayer, Catalogue, Conflict, Entry, Flags, Layer, LayerSpec, Requirements, nearest};

/// Show all that is known of a layer.
#[derive(clap::Args)]
pub struct Arguments {
    /// The layer, as TYPE/NAME, or as NAME if only one type has it
    #[arg(value_name = "LAYER")]
    layer: String,
    /// Print the layer's YAML file instead
    #[arg(long)]
    yaml: bool,
}

/// Shows the layer.
pub fn run(catalogue: &Catalogue, arguments: &Arguments) -> Result<ExitCode> {
    let entry = find(catalogue, &arguments.layer)?;
    let layer = entry.read()?;
    if arguments.yaml {
        print!("{}", entry.source()?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}\n{}\n", entry.layer_name(), layer.description());
    line("from", &entry.origin.to_string());
    match &layer {
        Layer::Build(layer) => show(layer),
        Layer::Allocator(allocator) => show_allocator::show(allocator),
    }
    conflicts(layer.conflicts_with());
    Ok(ExitCode::SUCCESS)
}

/// Returns the layer that `text` names, with or without its type.
fn find(catalogue: &Catalogue, text: &str) -> Result<Entry> {
    if text.contains('/') {
        let spec: LayerSpec = text.parse().map_err(xalloc_layers::Error::from)?;
        return Ok(catalogue.find(&spec)?);
    }
    let entries = catalogue.entries()?;
    let nearest = nearest(text, entries.iter().map(|entry| entry.name.as_str()));
    let mut found: Vec<_> = entries.into_iter().filter(|entry| entry.name == text).collect();
    match (found.pop(), found.is_empty()) {
        (Some(entry), true) => Ok(entry),
        (Some(entry), false) => {
            let names: Vec<_> = found.iter().chain([&entry]).map(Entry::layer_name).collect();
            bail!("'{text}' is the name of several layers: {}; say which", names.join(", "))
        }
        (None, _) => {
            let question = nearest.map_or(String::new(), |name| format!("; did you mean '{name}'?"));
            bail!("there is no layer '{text}'; xalloc layers list shows all{question}")
        }
    }
}

fn show(layer: &BuildLayer) {
    line("compiler", layer.compiler.as_ref().map_or("", |text| &text.value));
    line("version", &layer.version.as_ref().map_or(String::new(), ToString::to_string));
    line("system", &layer.system.map_or(String::new(), |system| system.to_string()));
    line("processor", layer.processor.as_deref().unwrap_or_default());
    requirements(&layer.requires);
    flags("", &layer.flags);
    for (compiler, of_compiler) in &layer.compiler_flags {
        flags(&format!(", {compiler}"), of_compiler);
    }
    line("defines", &words(&layer.defines));
    variables("CMake", &layer.cmake_variables);
    variables("environment", &layer.runtime_environment);
}

fn requirements(requires: &Requirements) {
    let compilers: Vec<_> = requires.compiler.iter().map(ToString::to_string).collect();
    line("needs", &compilers.join(" or "));
    line("needs", &requires.platform.join(" or "));
}

fn flags(whose: &str, flags: &Flags) {
    for (what, list) in [("flags", &flags.common), ("compile flags", &flags.compile), ("link flags", &flags.link)] {
        line(&format!("{what}{whose}"), &words(list));
    }
}

fn conflicts(conflicts: &[Conflict]) {
    for conflict in conflicts {
        let names = if conflict.names.is_empty() { "any".to_owned() } else { conflict.names.join(", ") };
        let except = match conflict.except.is_empty() {
            true => String::new(),
            false => format!(" but {}", conflict.except.join(", ")),
        };
        line("conflicts with", &format!("{} {names}{except}: {}", conflict.kind, conflict.reason));
    }
}
