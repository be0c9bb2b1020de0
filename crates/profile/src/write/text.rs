//! The two texts that are read as well: addresses and samples, without names.

use crate::read::{BUILD_ID, MAPPINGS};
use crate::{Counts, Mapping, Profile};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Returns the profile as jemalloc writes it, for jeprof. The build-ids stand below the mappings, where other readers pass over
/// them.
pub fn heap_v2(profile: &Profile) -> String {
    let total = threads(total(profile));
    let mut text = format!("heap_v2/{}\n{total}", profile.interval);
    for stack in &profile.stacks {
        // jeprof takes a stack without addresses for the one above it.
        let addresses = if stack.addresses.is_empty() { &[0][..] } else { &stack.addresses };
        writeln!(text, "@{}\n{}", words(addresses), threads(stack.counts).trim_end()).expect("writing to a string");
    }
    text + &mappings(&profile.mappings)
}

/// Returns the profile in the older form of gperftools, for google-pprof, jeprof and Go's pprof.
pub fn gperftools(profile: &Profile) -> String {
    let kind = if profile.interval == 0 { "heapprofile".to_owned() } else { format!("heap_v2/{}", profile.interval) };
    let mut text = format!("heap profile: {} @ {kind}\n", numbers(total(profile)));
    for stack in profile.stacks.iter().filter(|stack| !stack.addresses.is_empty()) {
        writeln!(text, "{} @{}", numbers(stack.counts), words(&stack.addresses)).expect("writing to a string");
    }
    text + &mappings(&profile.mappings)
}

fn total(profile: &Profile) -> Counts {
    profile.stacks.iter().fold(Counts::default(), |sum, stack| sum.plus(stack.counts))
}

/// Returns the line of all threads together, and that of one that stands for all: jeprof's `--thread` needs one.
fn threads(counts: Counts) -> String {
    let numbers = numbers(counts);
    format!("  t*: {numbers}\n  t0: {numbers}\n")
}

fn numbers(counts: Counts) -> String {
    let Counts { live_objects, live_bytes, allocated_objects, allocated_bytes } = counts;
    format!("{live_objects}: {live_bytes} [{allocated_objects}: {allocated_bytes}]")
}

fn words(addresses: &[u64]) -> String {
    addresses.iter().map(|address| format!(" {address:#x}")).collect()
}

fn mappings(mappings: &[Mapping]) -> String {
    let mut text = format!("\n{MAPPINGS}\n");
    let mut ids = BTreeMap::new();
    for mapping in mappings {
        writeln!(text, "{mapping}").expect("writing to a string");
        ids.extend(mapping.build_id.as_ref().map(|id| (&mapping.path, id)));
    }
    for (path, id) in ids {
        writeln!(text, "{BUILD_ID}{} {}", crate::hexadecimal(id), path.display()).expect("writing to a string");
    }
    text
}
