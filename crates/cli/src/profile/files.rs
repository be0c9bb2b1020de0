//! The files for other programs.

use super::amounts::amount;
use crate::refusal::Refusal;
use crate::report::files::{check, write, write_bytes};
use anyhow::Result;
use std::path::PathBuf;
use std::time::SystemTime;
use xalloc_profile::{Figure, Profile, Report, write as format};

/// The files that can be asked for. - is the standard output.
#[derive(clap::Args)]
#[command(next_help_heading = "Files for other programs (- is the standard output)")]
pub struct Files {
    /// Write pprof's format, compressed, with names and lines, for go tool pprof and servers of profiles
    #[arg(long, value_name = "FILE")]
    pprof: Option<PathBuf>,
    /// Write a flame graph, a picture for a browser
    #[arg(long, value_name = "FILE")]
    flamegraph: Option<PathBuf>,
    /// Write folded stacks, for flamegraph.pl, inferno and speedscope
    #[arg(long, value_name = "FILE")]
    folded: Option<PathBuf>,
    /// Write the Firefox Profiler's format, which profiler.firefox.com opens
    #[arg(long, value_name = "FILE")]
    firefox: Option<PathBuf>,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the samples of one profile as jemalloc does, with build-ids, for jeprof
    #[arg(long, value_name = "FILE")]
    heap_v2: Option<PathBuf>,
    /// Write the samples of one profile as gperftools does, for google-pprof, which does not read heap_v2
    #[arg(long, value_name = "FILE")]
    gperftools: Option<PathBuf>,
}

/// What is written.
pub struct Content {
    /// What it is of: the first file's name.
    pub name: String,
    /// When that was written.
    pub written: SystemTime,
    /// The profile with names.
    pub report: Report,
    /// The samples, if it is a single profile.
    pub samples: Option<Profile>,
    /// What counts, where a format has room for one number only.
    pub figure: Figure,
}

impl Files {
    /// Checks before anything is read that the files can be written. Samples can be written of a single profile only.
    pub fn check(&self, is_single: bool) -> Result<(), Refusal> {
        if !is_single && (self.heap_v2.is_some() || self.gperftools.is_some()) {
            let message = "--heap-v2 and --gperftools write the samples of one profile: name one FILE, without --base";
            return Err(Refusal::wrong_usage(message));
        }
        let Self { pprof, flamegraph, folded, firefox, json, heap_v2, gperftools } = self;
        check(&[pprof, flamegraph, folded, firefox, json, heap_v2, gperftools].map(Option::as_deref))
    }

    /// Writes the files.
    ///
    /// # Errors
    /// One of them cannot be written; the others are.
    pub fn write(&self, content: &Content) -> Result<()> {
        let Content { name, written, report, samples, figure } = content;
        let figure = *figure;
        let title = || format!("{} of {name}: {}", figure.name(), amount(figure, figure.of(report.total())));
        let graph = || format::flame_graph(report, figure, &title(), |value| amount(figure, value));
        let text = |form: fn(&Profile) -> String| Ok(samples.as_ref().map_or_else(String::new, form));
        [
            write_bytes(self.pprof.as_deref(), || Ok(format::pprof(report)?)),
            write(self.flamegraph.as_deref(), || Ok(graph())),
            write(self.folded.as_deref(), || Ok(format::folded(report, figure))),
            write(self.firefox.as_deref(), || Ok(format::firefox(report, figure, name, *written)?)),
            write(self.json.as_deref(), || Ok(format::json(report)?)),
            write(self.heap_v2.as_deref(), || text(format::heap_v2)),
            write(self.gperftools.as_deref(), || text(format::gperftools)),
        ]
        .into_iter()
        .collect()
    }
}
