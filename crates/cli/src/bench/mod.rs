//! `xalloc bench`: workloads under several allocators, interleaved, in fresh processes.

mod allocators;
mod grid;
mod markdown;
mod measure;
mod micro;
mod numbers;
mod results;
mod scaling;
mod scatter;
mod schedule;
mod table;
mod workloads;

use crate::catalogue::candidate::Candidate;
use crate::measure::interrupt;
use crate::report::files::{self, write};
use crate::{exit, library, refusal};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use workloads::Workload;

/// Compare allocators on many workloads, side by side.
///
/// Every workload runs in fresh processes under every allocator in turn, A B C A B C …, so that a machine that is slow for a
/// while is slow for all of them. The tables show medians. The last column is the ratio of xalloc's mean time to the best
/// peer's; ~ before it means that the runs show no difference, by the rule of xalloc compare. With fewer than three runs of
/// each, the column is empty.
///
/// It needs a checkout of xalloc: the workloads are built there and not installed.
///
/// Peers come from scripts/peers, which puts their libraries into target/peers.
///
/// An interrupt (Ctrl-C) ends the runs; the workloads that were measured until then are still shown and written.
///
/// Exit codes: 0 fine; 1 a run failed, or nothing can be measured; 2 wrong usage, or a library that cannot be preloaded; 130
/// interrupted.
#[derive(clap::Args)]
pub struct Arguments {
    /// Runs of each workload under each allocator
    #[arg(short = 'n', long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Only these workloads (names, or the beginning of names)
    #[arg(short, long, value_delimiter = ',', value_name = "NAME,…")]
    workloads: Vec<String>,
    /// Only these allocators: names (`system` is the C library's malloc), NAME:OPTION=VALUE (several options with colons
    /// between them), or NAME=LIBRARY for any library [default: xalloc, system, the peers, and what else xalloc list finds]
    #[arg(short, long, value_delimiter = ',', value_name = "NAME,…")]
    allocators: Vec<String>,
    /// The libxalloc.so to compare [default: the one that belongs to this command; XALLOC_LIBRARY names another]
    #[arg(long, value_name = "FILE")]
    library: Option<PathBuf>,
    /// Where the peers' libraries are [default: peers/ in the target directory of this command]
    #[arg(long, value_name = "DIRECTORY")]
    peers: Option<PathBuf>,
    /// Measure ticks per malloc and free in a loop instead of workloads
    #[arg(long)]
    micro: bool,
    /// Measure time per operation as live blocks and threads grow, instead of workloads
    #[arg(long, conflicts_with = "micro")]
    scaling: bool,
    /// List workloads and allocators, and run nothing
    #[arg(long)]
    list: bool,
    /// Write every run as JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["micro", "scaling"])]
    json: Option<PathBuf>,
    /// Write the tables as Markdown
    #[arg(long, value_name = "FILE")]
    md: Option<PathBuf>,
    /// Write a picture as SVG: time against memory, or with --scaling time against size
    #[arg(long, value_name = "FILE", conflicts_with = "micro")]
    svg: Option<PathBuf>,
}

/// The directory into which this command was built; it has the workloads too.
struct Products(PathBuf);

impl Products {
    fn find() -> Result<Self> {
        Ok(Self(library::command_directory()?))
    }

    /// Returns the path of the program with the workloads, which was built beside this command.
    fn runner(&self) -> Result<PathBuf> {
        let path = self.0.join("xalloc-workloads");
        if !path.exists() {
            bail!(
                "there is no {}; {}",
                path.display(),
                library::in_checkout(
                    "build it: cargo build --release --workspace && target/release/xalloc bench",
                    "the workloads are in xalloc's sources and are not installed; xalloc compare measures programs of your own"
                )
            );
        }
        Ok(path)
    }

    /// Returns the directory of the peers' libraries, which all builds of a checkout share.
    fn peers(&self) -> PathBuf {
        self.0.parent().unwrap_or(&self.0).join("peers")
    }

    /// Returns the directory of the checkout's scripts that run real programs.
    fn programs(&self) -> Option<PathBuf> {
        self.0.ancestors().map(|directory| directory.join("benches/programs")).find(|path| path.is_dir())
    }
}

/// Runs the benchmarks. Returns success only if every run of every workload ended well.
///
/// # Errors
/// Nothing could be measured, or a file cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    refusal::exit_code("bench", bench(arguments))
}

/// Returns whether there is anything to run. Installed commands have no workloads.
pub fn is_here() -> bool {
    Products::find().is_ok_and(|products| products.runner().is_ok())
}

/// Returns the names that `-a` takes, for completions.
pub fn known_allocators() -> Vec<String> {
    let peers = Products::find().map(|products| allocators::found(&products.peers())).unwrap_or_default();
    [allocators::OWN, allocators::BASE]
        .map(str::to_owned)
        .into_iter()
        .chain(peers.into_iter().map(|peer| peer.name))
        .collect()
}

/// Returns the names that `-w` takes, for completions; none outside a checkout.
pub fn known_workloads() -> Vec<String> {
    let all = Products::find().and_then(|products| workloads::all(&products.runner()?, products.programs().as_deref()));
    all.unwrap_or_default().into_iter().map(|workload| workload.name).collect()
}

fn bench(arguments: &Arguments) -> Result<u8> {
    let products = Products::find()?;
    let peers = arguments.peers.clone().unwrap_or_else(|| products.peers());
    let library = match &arguments.library {
        Some(library) => library.clone(),
        None => library::own()?,
    };
    let runner = products.runner()?;
    let allocators = allocators::choose(&library, &peers, allocators::listed()?, &arguments.allocators)?;
    let workloads = workloads::choose(&runner, products.programs().as_deref(), &arguments.workloads)?;
    if arguments.list {
        list(&allocators, &workloads);
        return Ok(0);
    }
    files::check(&arguments.files())?;
    interrupt::install()?;
    match arguments.measure(&runner, &allocators, &workloads) {
        Err(error) if interrupt::came() => {
            eprintln!("xalloc bench: {error:#}");
            Ok(exit::INTERRUPTED)
        }
        Ok(_) if interrupt::came() => Ok(exit::INTERRUPTED),
        result => result,
    }
}

impl Arguments {
    fn files(&self) -> [Option<&Path>; 3] {
        [&self.json, &self.md, &self.svg].map(|path| path.as_deref())
    }

    /// Measures, prints and writes what was asked for. Returns the exit code.
    fn measure(&self, runner: &Path, allocators: &[Candidate], workloads: &[Workload]) -> Result<u8> {
        let [json, md, svg] = self.files();
        if self.micro {
            return micro::run(runner, allocators, self.runs, md).map(|()| 0);
        }
        if self.scaling {
            return scaling::run(runner, allocators, self.runs, md, svg).map(|()| 0);
        }
        let results = schedule::run(workloads, allocators, self.runs)?;
        table::print(&results);
        let written = [
            write(json, || Ok(serde_json::to_string_pretty(&results)?)),
            write(md, || Ok(markdown::render(&results))),
            write(svg, || Ok(scatter::render(&results))),
        ];
        written.into_iter().collect::<Result<()>>()?;
        Ok(if results.failures() == 0 { 0 } else { exit::FOUND })
    }
}

fn list(allocators: &[Candidate], workloads: &[Workload]) {
    println!("allocators:");
    for allocator in allocators {
        let from = allocator.library.as_ref().map_or("nothing preloaded".into(), |path| path.display().to_string());
        println!("  {:<18} {from}", allocator.name);
    }
    println!("workloads:");
    for workload in workloads {
        println!("  {:<18} {}", workload.name, workload.about);
    }
}
