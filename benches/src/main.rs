//! Programs that do little but allocate, each in a file of its own. `xalloc-workloads NAME` runs one.
//!
//! They are ordinary programs that call malloc and free as the linker finds them, so that any allocator can be preloaded.
//! `xalloc bench` runs them under several; what it needs to know it asks by `xalloc-workloads list`.

#![allow(clippy::disallowed_methods, reason = "that list is for the library; here malloc is called on purpose")]

mod block;
mod micro;
mod random;
mod report;
mod scaling;
mod threads;
mod workloads {
    pub mod alloc_test;
    pub mod cache_lines;
    pub mod cfrac;
    pub mod glibc_bench;
    pub mod hahalloc;
    pub mod large;
    pub mod larson;
    pub mod leak_threads;
    pub mod metamalloc;
    pub mod mstress;
    pub mod realloc_growth;
    pub mod rptest;
    pub mod shbench;
    pub mod threadtest;
    pub mod toolchainkit;
    pub mod xmalloc;
}

use std::process::ExitCode;
use workloads::*;

/// Name, what it does, how to run it.
const WORKLOADS: &[(&str, &str, fn())] = &[
    ("cfrac", "tiny short-lived blocks: arithmetic with numbers of any length", cfrac::run),
    ("larson", "a server: random replacement, blocks handed from thread to thread", larson::run),
    ("xmalloc", "producers allocate, consumers free", xmalloc::run),
    ("cache-thrash", "threads write to small blocks of their own", cache_lines::thrash),
    ("cache-scratch", "threads write to small blocks next to what others allocated", cache_lines::scratch),
    ("mstress", "tasks in ever new threads, objects exchanged through a table", mstress::run),
    ("rptest", "random sizes to 8,000 bytes, some freed by a neighbour", rptest::run),
    ("alloc-test-1k", "random allocation and freeing, 1,000 places", || alloc_test::run(1_000, 30_000_000)),
    ("alloc-test-10k", "the same with 10,000 places", || alloc_test::run(10_000, 25_000_000)),
    ("alloc-test-100k", "the same with 100,000 places", || alloc_test::run(100_000, 20_000_000)),
    ("alloc-test-1m", "the same with 1,000,000 places", || alloc_test::run(1_000_000, 6_000_000)),
    ("glibc-simple", "batches of one size, freed in order", glibc_bench::simple),
    ("glibc-thread", "random replacement of sizes 4 to 32,768 in threads", glibc_bench::thread),
    ("sh6bench", "mixed batches freed in order, in reverse, and later", shbench::alone),
    ("sh8bench", "the same, what is freed later by other threads", shbench::exchanging),
    ("threadtest", "threads allocate 8-byte blocks and free them in order", threadtest::run),
    ("large", "buffers of 5 to 25 MiB, replaced at random", large::run),
    ("realloc-small", "buffers that grow from 16 bytes to 256 KiB", realloc_growth::small),
    ("realloc-huge", "a buffer that grows from 1 MiB to 1 GiB", realloc_growth::huge),
    ("leak-threads", "threads that end and leave blocks to others, and some to nobody", leak_threads::run),
    ("meta-local", "metamalloc 1: 37 small sizes, a fresh process", metamalloc::local),
    ("meta-local-warm", "metamalloc 1 on memory touched before", metamalloc::local_warm),
    ("meta-locality", "metamalloc 2: a million objects in the order of their allocation", metamalloc::locality),
    ("meta-exchange", "metamalloc 3: 4 threads free each other's blocks", metamalloc::exchange),
    ("meta-memory", "metamalloc 4: 16 threads, and the address space that is left", metamalloc::memory),
    ("haha-single", "Hahalloc 1: one block at a time, 1 byte to 2 GiB", hahalloc::single),
    ("haha-calloc", "Hahalloc 2: the same with calloc, to 1 GiB", hahalloc::calloc),
    ("haha-fixed", "Hahalloc 3: 1 to 499 places for blocks of 1 MiB", hahalloc::fixed),
    ("haha-random", "Hahalloc 4: the same for sizes to 64 MiB", hahalloc::random),
    ("haha-realloc", "Hahalloc 5: blocks that grow to 40 MB in small steps", hahalloc::realloc),
    ("toolchainkit", "toolchainkit's seven rows", toolchainkit::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let known = match arguments[..] {
        ["list"] => {
            WORKLOADS.iter().for_each(|(name, about, _)| println!("{name}\t{about}"));
            true
        }
        ["micro"] => {
            micro::run();
            true
        }
        ["scaling"] => {
            scaling::list();
            true
        }
        ["scaling", series, count] => count.parse().is_ok_and(|count| scaling::run(series, count)),
        [name] => run(name),
        _ => false,
    };
    if known {
        return ExitCode::SUCCESS;
    }
    eprintln!("usage: xalloc-workloads NAME | list | micro | scaling [SERIES COUNT]");
    eprintln!("There is no '{}'; 'list' and 'scaling' name what there is.", arguments.join(" "));
    ExitCode::from(2)
}

/// Runs a workload. False if there is none of that name.
fn run(name: &str) -> bool {
    let found = WORKLOADS.iter().find(|(workload, ..)| *workload == name);
    if let Some((.., run)) = found {
        run();
    }
    found.is_some()
}
