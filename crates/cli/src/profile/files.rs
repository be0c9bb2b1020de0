//! The files for other programs.

use super::amounts::amount;
use super::input::Input;
use crate::refusal::Refusal;
use crate::report::files::{check, write, write_bytes};
use anyhow::Result;
use std::path::PathBuf;
use xalloc_profile::{Figure, Report, write as format};

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

    /// Writes the files. `input` is the first profile, which `report` has names for.
    ///
    /// # Errors
    /// One of them cannot be written; the others are.
    pub fn write(&self, input: &Input, report: &Report, figure: Figure) -> Result<()> {
        let name = input.path.file_name().unwrap_or(input.path.as_os_str()).to_string_lossy();
        let title = || format!("{} of {name}: {}", figure.name(), amount(figure, figure.of(report.total())));
        let firefox = || Ok(format::firefox(report, figure, &name, input.written)?);
        // With the build-ids of the files that were opened.
        let samples = || xalloc_profile::Profile { mappings: report.mappings.clone(), ..input.profile.clone() };
        [
            write_bytes(self.pprof.as_deref(), || Ok(format::pprof(report)?)),
            write(self.flamegraph.as_deref(), || {
                Ok(format::flame_graph(report, figure, &title(), |value| amount(figure, value)))
            }),
            write(self.folded.as_deref(), || Ok(format::folded(report, figure))),
            write(self.firefox.as_deref(), firefox),
            write(self.json.as_deref(), || Ok(format::json(report)?)),
            write(self.heap_v2.as_deref(), || Ok(format::heap_v2(&samples()))),
            write(self.gperftools.as_deref(), || Ok(format::gperftools(&samples()))),
        ]
        .into_iter()
        .collect()
    }
}
