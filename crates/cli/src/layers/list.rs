//! `xalloc layers list`.

use super::columns::columns;
use crate::exit;
use anyhow::Result;
use serde::Serialize;
use std::process::ExitCode;
use xalloc_layers::{Catalogue, Entry, Kind};

/// List all layers, and where each comes from.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only layers of this type: base, platform, buildtype, stdlib, sanitizer or allocator
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<Kind>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Returns the type of layer that a word of the command line names.
fn kind(text: &str) -> Result<Kind, String> {
    Kind::parse(text).map_err(|problem| problem.to_string())
}

#[derive(Serialize)]
struct Row {
    #[serde(rename = "type")]
    kind: Kind,
    name: String,
    description: String,
    from: String,
}

/// Lists the layers that can be read, and prints what is wrong with the others.
pub fn run(catalogue: &Catalogue, arguments: &Arguments) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    let mut rows = Vec::new();
    for entry in catalogue.entries()? {
        if arguments.kind.is_some_and(|kind| kind != entry.kind) {
            continue;
        }
        match row(entry) {
            Ok(row) => rows.push(row),
            Err(error) => {
                eprintln!("xalloc layers: {error}");
                code = ExitCode::from(exit::WRONG_USAGE);
            }
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!("{}", table(rows));
    }
    Ok(code)
}

fn row(entry: Entry) -> Result<Row, xalloc_layers::Error> {
    let description = entry.read()?.description().to_owned();
    Ok(Row { kind: entry.kind, from: entry.origin.to_string(), name: entry.name, description })
}

fn table(rows: Vec<Row>) -> String {
    let cells = rows.into_iter().map(|row| [format!("{}/{}", row.kind, row.name), row.description, row.from]);
    columns(["layer", "description", "from"].map(str::to_owned), cells)
}
