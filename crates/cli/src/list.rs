//! `xalloc list`: the allocators that are known, and which of them this machine has.

use crate::catalogue::{self, Detection, Instructions, OWN, SYSTEM, detect, misleading, version};
use crate::exit;
use crate::output;
use anyhow::Result;
use comfy_table::{Table, presets};
use serde::Serialize;
use std::process::ExitCode;
use xalloc_layers::{Allocator, Method, System};

/// List the allocators there are, and which of them this machine has.
///
/// A library counts as found only if it is for this machine and really replaces malloc. Looked at are LD_LIBRARY_PATH, the
/// loader's cache (/etc/ld.so.cache), the system's directories of libraries and Homebrew's. Allocators of the user's own layers
/// are listed too (xalloc layers --help), those of a project's are not.
///
/// Exit codes: 0; 2 if there is no allocator of a name, or its layer is wrong; 3 if one that was named is not on this machine.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only these allocators
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Everything that is known, as JSON
    #[arg(long)]
    json: bool,
}

/// What is said of an allocator.
#[derive(Serialize)]
struct Row {
    name: String,
    description: String,
    homepage: Option<String>,
    /// Whether it can be used. The C library's own malloc always can.
    is_there: bool,
    #[serde(flatten)]
    detection: Detection,
    /// The version of the library's package, or the number in the file's name.
    version: Option<String>,
    /// How to get it, if this machine does not have it.
    install: Option<Instructions>,
    methods: Vec<Method>,
    platforms: Vec<System>,
    /// The heaps that the library of xalloc contains.
    heaps: Vec<&'static str>,
}

/// Prints the list.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (allocators, errors) = match arguments.names.as_slice() {
        [] => {
            let (allocators, errors) = catalogue::layers().allocators()?;
            (allocators, errors.into_iter().map(Into::into).collect())
        }
        names => named(names),
    };
    errors.iter().for_each(|error| eprintln!("xalloc list: {error}"));
    let mut rows: Vec<Row> = allocators.iter().map(row).collect();
    // The system's and our own come first.
    rows.sort_by_key(|row| (row.name != SYSTEM, row.name != OWN));
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else if !rows.is_empty() {
        print(&rows);
    }
    let missing = !arguments.names.is_empty() && rows.iter().any(|row| !row.is_there);
    Ok(ExitCode::from(match (errors.is_empty(), missing) {
        (false, _) => exit::WRONG_USAGE,
        (true, true) => exit::NO_ALLOCATOR,
        (true, false) => 0,
    }))
}

/// Returns the allocators of these names, and the errors for the other names.
fn named(names: &[String]) -> (Vec<Allocator>, Vec<anyhow::Error>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for name in names {
        match catalogue::named(name) {
            Ok(allocator) => found.push(allocator),
            Err(error) => errors.push(error),
        }
    }
    (found, errors)
}

fn row(allocator: &Allocator) -> Row {
    let mut detection = if allocator.is_system() { Detection::default() } else { detect(allocator) };
    detection.rejected.extend(misleading(allocator));
    let is_there = allocator.is_system() || detection.found.is_some();
    let supported = allocator.platforms.iter().filter(|(_, support)| support.supported);
    Row {
        name: allocator.name.clone(),
        description: allocator.description.clone(),
        homepage: allocator.homepage.clone(),
        install: (!is_there).then(|| Instructions::of(allocator)),
        is_there,
        version: detection.found.as_ref().and_then(|found| version::of(&found.path)),
        detection,
        methods: allocator.integration_methods.clone(),
        platforms: supported.map(|(system, _)| *system).collect(),
        heaps: if allocator.name == OWN { heaps() } else { Vec::new() },
    }
}

/// Returns the heaps that libxalloc contains, according to the list of its options.
fn heaps() -> Vec<&'static str> {
    let heap = xalloc_options::OPTIONS.iter().find(|option| option.name == "heap");
    match heap.map(|option| &option.kind) {
        Some(xalloc_options::Kind::Choice(names)) => names.to_vec(),
        _ => Vec::new(),
    }
}

fn print(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    output::fit(&mut table);
    table.set_header(["allocator", "version", "library", "methods", "platforms"]);
    for row in rows {
        let found = row.detection.found.as_ref();
        let library = match found {
            Some(found) => found.path.display().to_string(),
            None if row.is_there => "the C library's own".into(),
            None => "not found".into(),
        };
        let version = row.version.clone().unwrap_or_default();
        table.add_row([row.name.clone(), version, library, words(&row.methods), words(&row.platforms)]);
    }
    println!("{table}");
    for row in rows {
        print_remarks(row);
    }
}

fn words(all: &[impl ToString]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn print_remarks(row: &Row) {
    if !row.heaps.is_empty() {
        println!("\n{} has the heaps {} (xalloc run --set heap=NAME)", row.name, row.heaps.join(", "));
    }
    for rejected in &row.detection.rejected {
        println!("\n{}: {} {}", row.name, rejected.path.display(), rejected.reason);
    }
    if let Some(install) = &row.install {
        println!("\n{} is not on this machine. {install}", row.name);
    }
}
