//! What one kind of block freed, another can have, where the program may have no more than that: under limits of address space and
//! of data, for every pair of kinds. glibc, which the same program runs on, says how much can be had.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{fixture, plain, preloaded, succeed};

const LIMIT: Duration = Duration::from_secs(120);
/// Bins of small blocks, slabs of one and of eight slices, runs with and without a margin, mappings, and mappings of huge pages.
const SIZES: [usize; 6] = [16, 1 << 10, 40_000, 200_000, 2 << 20, 8 << 20];
/// Without the smallest, of which a gigabyte takes long.
const FEW_SIZES: [usize; 4] = [1 << 10, 200_000, 2 << 20, 8 << 20];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("exchange.c", &[]).into_boxed_path());
    let limits: [(&str, usize, &'static [usize]); 3] =
        [("as", 256, &SIZES), ("data", 256, &SIZES), ("as", 1024, &FEW_SIZES)];
    let mut trials = Vec::new();
    for (limit, mebibytes, sizes) in limits {
        for way in ["keep", "trim"] {
            for first in sizes {
                let name = format!("{limit} of {mebibytes} MiB: {first} bytes, {way}, then others");
                trials.push(Trial::test(name, move || {
                    sizes
                        .iter()
                        .try_for_each(|second| exchange(program, limit, mebibytes << 20, (*first, *second), way))
                }));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn exchange(
    program: &Path,
    limit: &str,
    bytes: usize,
    (first, second): (usize, usize),
    way: &str,
) -> Result<(), Failed> {
    let had = |mut command: Command| -> Result<usize, Failed> {
        let arguments = [limit, &bytes.to_string(), &first.to_string(), &second.to_string(), way];
        let output = succeed(command.args(arguments), LIMIT)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    let (glibc, ours) = (had(plain(program))?, had(preloaded(program, ""))?);
    if glibc < bytes / 2 {
        return Err(format!("then {second}: under glibc only {glibc} bytes").into());
    }
    if ours < glibc / 10 * 9 {
        return Err(format!("then {second}: {ours} bytes, under glibc {glibc}").into());
    }
    Ok(())
}
