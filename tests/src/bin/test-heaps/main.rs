//! Runs the tests of the finished library on every heap, and prints what came of it: a row for each test file, a column for each
//! heap. `scripts/test-heaps` builds and starts it.

mod check;
mod harness;
mod matrix;
mod outcome;

use anyhow::Result;
use clap::Parser;
use clap::builder::styling::Styles;
use harness::Built;
use matrix::Matrix;
use outcome::Outcome;
use std::process::ExitCode;
use std::time::Instant;
use xalloc_tests::heaps::{self, CHECK, FILES, File, HEAPS, Heap};
use xalloc_tests::target;

/// Runs the tests of the finished library on every heap, and prints what came of it: a row for each test file, a column for each
/// heap.
///
/// A number is that of the tests that passed. A word in brackets stands for what the heap does not promise, with the number of tests
/// that demand it and were not run; what it means stands below. The row `check` has the promises of `xalloc check`.
/// The output of each test file is kept in target/test-heaps/HEAP/FILE.log.
///
/// Without --all, only the test files that take seconds are run. A file that is named with --test is run whole.
///
/// Exit codes: 0 every heap does what it promises; 1 one does not; 2 wrong usage.
#[derive(Parser)]
#[command(bin_name = "scripts/test-heaps", styles = Styles::plain(), help_template = "usage: {usage}\n\n{about}\n\n{options}")]
struct Arguments {
    /// Also run the test files that take long: minutes for each heap
    #[arg(long)]
    all: bool,
    /// Only this heap; may be given more than once
    #[arg(long = "heap", value_name = "NAME", value_parser = heaps::named)]
    heaps: Vec<&'static Heap>,
    /// All heaps but the default one, on which scripts/test runs everything
    #[arg(long, conflicts_with = "heaps")]
    others: bool,
    /// Only this test file, or check for `xalloc check`; may be given more than once
    #[arg(long = "test", value_name = "FILE", value_parser = heaps::file)]
    files: Vec<&'static File>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            eprintln!("scripts/test-heaps: {} (see --help)", line.trim_start_matches("error: "));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scripts/test-heaps: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for. Returns whether every heap does what it promises.
fn run(arguments: &Arguments) -> Result<bool> {
    // A test file that is named is run whole.
    let all = arguments.all || !arguments.files.is_empty();
    let mut heaps = arguments.heaps.clone();
    if heaps.is_empty() {
        heaps.extend(&HEAPS[usize::from(arguments.others)..]);
    }
    let mut files = arguments.files.clone();
    if files.is_empty() {
        files.extend(FILES.iter().filter(|file| all || !file.is_long()));
    }
    let built = Built::new(&files)?;
    let mut matrix = Matrix::new(heaps.clone());
    for file in files {
        let outcomes = heaps.iter().map(|heap| outcome(&built, heap, file, all)).collect::<Result<_>>()?;
        matrix.add(file.name, outcomes);
    }
    matrix.print();
    if !all {
        print_left_out();
    }
    Ok(matrix.holds())
}

/// Says what only --all runs.
fn print_left_out() {
    println!("\nNot run, because it takes long (--all runs it):");
    for file in FILES.iter().filter(|file| !file.long.is_empty()) {
        let tests = if file.is_long() { String::new() } else { format!(": {}", file.long.join(", ")) };
        println!("  {}{tests}", file.name);
    }
}

/// What comes of a test file on a heap, with a line that says so: some take minutes.
fn outcome(built: &Built, heap: &Heap, file: &File, all: bool) -> Result<Outcome> {
    if let Some(gap) = heap.gap(file.name, "") {
        return Ok(Outcome::of_a_gap(gap));
    }
    let directory = target().join("test-heaps").join(heap.name);
    std::fs::create_dir_all(&directory)?;
    let log = directory.join(file.name).with_extension("log");
    let start = Instant::now();
    let outcome = if file.name == CHECK { check::run(heap, &log)? } else { built.run(heap, file, all, &log)? };
    let (cell, seconds) = (outcome.to_string().replace('\n', " "), start.elapsed().as_secs());
    eprintln!("{} on {}: {cell} in {seconds} s", file.name, heap.name);
    Ok(outcome)
}
