//! `xalloc layers compose`.

use crate::catalogue;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use xalloc_layers::{Catalogue, Composer, Composition, Format, Kind, LayerSpec, Method, Toolchain};

/// Compose layers into flags, CMake variables and a runtime environment.
///
/// A composition has one base, one platform and one buildtype, at most one stdlib, any sanitizers that can stand
/// together, and at most one allocator. Flags keep the order of the layers.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// How the allocator gets into the program: auto, link, ld_preload, proxy or none [default: what the file says, or
    /// auto]
    #[arg(long, value_parser = method)]
    method: Option<Method>,
    /// Give {{NAME}} in layers a value, whatever the file's variables say; repeatable
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// What to write: json, yaml, sh, make or cmake
    #[arg(long, default_value = "yaml", value_parser = format)]
    format: Format,
    /// Write to this file instead of the standard output, which is also -
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Say on stderr by which method the allocator gets into the program
    #[arg(short, long)]
    verbose: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// Read the layers from a toolchain file: layers: [TYPE/NAME, …], and variables: {NAME: VALUE, …}
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The layers, as TYPE/NAME
    #[arg(long, value_name = "LAYER,…", value_delimiter = ',')]
    layers: Vec<String>,
}

/// Composes the layers, and writes the result.
pub fn run(layers: Catalogue, arguments: &Arguments) -> Result<ExitCode> {
    let mut toolchain = read(&arguments.source)?;
    toolchain.variables.extend(arguments.variables.iter().cloned());
    if let Some(method) = arguments.method {
        let allocator = toolchain.layers.iter_mut().find(|layer| layer.kind == Kind::Allocator);
        allocator.context("--method is for an allocator, and no layer is one")?.method = Some(method);
    }
    let composer =
        Composer::new(layers).resolver(|allocator| catalogue::detect(allocator).found.map(|found| found.path));
    let variables = toolchain.variables.iter();
    let composer = variables.fold(composer, |composer, (name, value)| composer.variable(name, value));
    let composition = composer.compose(&toolchain.layers)?;
    let asked = toolchain.layers.iter().find(|layer| layer.kind == Kind::Allocator).and_then(|layer| layer.method);
    report(&composition, asked.unwrap_or(Method::Auto), arguments.verbose);
    let text = composition.render(arguments.format)?;
    match arguments.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn read(source: &Source) -> Result<Toolchain, xalloc_layers::Error> {
    if let Some(file) = &source.file {
        return Toolchain::read(file);
    }
    let layers = source.layers.iter().map(|text| text.parse()).collect::<Result<Vec<LayerSpec>, _>>()?;
    Ok(Toolchain { layers, ..Toolchain::default() })
}

fn report(composition: &Composition, asked: Method, is_verbose: bool) {
    if let (true, Some(name), Some(method)) = (is_verbose, &composition.allocator, composition.method) {
        let platform = &composition.platform;
        match asked {
            Method::Auto => eprintln!("xalloc layers: allocator/{name}: auto is {method} on {platform}"),
            _ => eprintln!("xalloc layers: allocator/{name}: method {method}"),
        }
    }
    for warning in &composition.warnings {
        eprintln!("xalloc layers: warning: {warning}");
    }
}

fn method(text: &str) -> Result<Method, String> {
    Method::parse(text).map_err(|problem| problem.to_string())
}

fn format(text: &str) -> Result<Format, String> {
    Format::parse(text).map_err(|problem| problem.to_string())
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
