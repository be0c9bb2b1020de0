//! The whole profile as JSON; docs/profile.md describes it.

use crate::report::{Location, NamedStack, Report};
use crate::{Counts, hexadecimal};
use serde::Serialize;
use std::collections::BTreeSet;

/// The number that becomes another one when a key changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    /// 0 if every allocation was counted.
    sample_interval: u64,
    total: Counts,
    libraries: Vec<Library>,
    stacks: Vec<Stack<'a>>,
    notices: Vec<String>,
}

#[derive(Serialize)]
struct Library {
    path: String,
    build_id: Option<String>,
}

#[derive(Serialize)]
struct Stack<'a> {
    #[serde(flatten)]
    counts: Counts,
    /// The innermost first.
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    function: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    library: &'a str,
    address: u64,
    is_inlined: bool,
}

/// Returns the profile as JSON.
///
/// # Errors
/// There is too little memory.
pub fn json(report: &Report) -> serde_json::Result<String> {
    let document = Document {
        version: VERSION,
        sample_interval: report.interval,
        total: report.total(),
        libraries: libraries(report),
        stacks: report.stacks.iter().map(stack).collect(),
        notices: report.notices(),
    };
    serde_json::to_string_pretty(&document)
}

fn libraries(report: &Report) -> Vec<Library> {
    let files = report.mappings.iter().filter(|mapping| mapping.is_file() && mapping.is_code());
    let pairs: BTreeSet<_> = files.map(|mapping| (&mapping.path, &mapping.build_id)).collect();
    let library = |(path, id): (&std::path::PathBuf, &Option<Vec<u8>>)| Library {
        path: path.display().to_string(),
        build_id: id.as_ref().map(|id| hexadecimal(id)),
    };
    pairs.into_iter().map(library).collect()
}

fn stack(stack: &NamedStack) -> Stack<'_> {
    Stack { counts: stack.counts, frames: stack.locations.iter().flat_map(|location| frames(location)).collect() }
}

fn frames(location: &Location) -> impl Iterator<Item = Frame<'_>> {
    let outermost = location.frames.len() - 1;
    location.frames.iter().enumerate().map(move |(at, frame)| Frame {
        function: frame.is_named.then_some(&*frame.function),
        file: frame.file.as_deref(),
        line: frame.line,
        library: &location.library,
        address: location.address,
        is_inlined: at < outermost,
    })
}
