//! The heap profile: what samples say of a program's call sites is what the program allocates there, on average.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use xalloc_tests::{fixture, preloaded, scratch, succeed};

/// How many bytes are between two samples, on average.
const MEAN: f64 = 64.0 * 1024.0;

/// A call site, as the program itself knows it.
struct Site {
    name: String,
    code: u64,
    allocated: f64,
    live: f64,
}

/// What the samples of one run stand for, in bytes, at each site: allocated, in use.
type Estimates = BTreeMap<String, (f64, f64)>;

/// Returns the sites of a run by the address of their code, and what its profile says of each.
fn profile(program: &std::path::Path, conf: &str, run: usize) -> (Vec<Site>, Estimates) {
    let file = scratch().join(format!("sites-{run}.heap"));
    let conf = format!("{conf},prof_sample:64K,prof_final:{}", file.display());
    let output = succeed(&mut preloaded(program, &conf), Duration::from_secs(60)).expect("a program that ends well");
    let mut sites: Vec<Site> = String::from_utf8(output.stdout).expect("text").lines().map(site).collect();
    sites.sort_by_key(|site| site.code);
    let text = fs::read_to_string(&file).expect("a profile");
    fs::remove_file(&file).expect("the file just read");
    let estimates = estimates(&text, &sites);
    (sites, estimates)
}

fn site(line: &str) -> Site {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<f64>().expect("a number");
    let code = u64::from_str_radix(words[1].trim_start_matches("0x"), 16).expect("an address");
    Site { name: words[0].to_owned(), code, allocated: number(words[2]), live: number(words[3]) }
}

fn estimates(text: &str, sites: &[Site]) -> Estimates {
    assert!(text.starts_with("heap_v2/65536\n  t*: "), "{text}");
    let mut estimates = Estimates::new();
    let lines: Vec<&str> = text.split("\nMAPPED_LIBRARIES:").next().expect("a first part").lines().collect();
    for pair in lines.windows(2) {
        let Some(stack) = pair[0].strip_prefix("@ ") else { continue };
        // The innermost frame is the site's, because the library leaves out its own.
        let frame = stack.split(' ').next().expect("a frame").trim_start_matches("0x");
        let frame = u64::from_str_radix(frame, 16).expect("an address");
        let Some(site) = sites.iter().rev().find(|site| site.code <= frame) else { continue };
        if frame - site.code > 4096 {
            continue;
        }
        let numbers: Vec<f64> =
            pair[1].split(|letter: char| !letter.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
        let [objects, bytes, all_objects, all_bytes] = numbers[..] else { panic!("{}", pair[1]) };
        let entry = estimates.entry(site.name.clone()).or_default();
        entry.0 += unsampled(all_objects, all_bytes);
        entry.1 += unsampled(objects, bytes);
    }
    estimates
}

/// What samples of a call site stand for: each block was one with the probability 1 - e^(-size / mean).
fn unsampled(objects: f64, bytes: f64) -> f64 {
    if objects == 0.0 { 0.0 } else { bytes / (1.0 - (-bytes / objects / MEAN).exp()) }
}

/// Each site's mean estimate over many runs is what it allocates, within five standard errors of what chance explains. With
/// sites of short-lived blocks, which are freed before the next one is allocated: a sampler that looks only when a cache is
/// refilled does not see them.
#[test]
fn samples_are_unbiased() {
    const RUNS: usize = 200;
    let program = fixture("sites.c", &["-O1"]);
    for conf in ["prof:true", "prof:true,heap:pow2"] {
        let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut sites = Vec::new();
        for run in 0..RUNS {
            let (found, estimates) = profile(&program, conf, run);
            for (name, (allocated, live)) in estimates {
                let sum = sums.entry(name).or_default();
                sum.0 += allocated;
                sum.1 += live;
            }
            sites = found;
        }
        for site in &sites {
            let (allocated, live) = sums.get(&site.name).copied().unwrap_or_default();
            agrees(conf, &site.name, "allocated", allocated / RUNS as f64, site.allocated, RUNS);
            agrees(conf, &site.name, "in use", live / RUNS as f64, site.live, RUNS);
        }
        assert_eq!(sites.len(), 10, "{conf}");
    }
}

fn agrees(conf: &str, site: &str, what: &str, estimate: f64, truth: f64, runs: usize) {
    // Of a Poisson process with one sample every `MEAN` bytes.
    let error = (truth * MEAN / runs as f64).sqrt();
    assert!(
        (estimate - truth).abs() <= 5.0 * error,
        "{conf}: {site}, {what}: {estimate:.0} of {truth:.0} bytes, {error:.0} is chance"
    );
}
