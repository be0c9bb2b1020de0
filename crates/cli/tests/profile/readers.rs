//! What the command writes, before the programs for which it is written.

use super::common::{Place, profile, said};
use super::jemalloc::{Recorded, recorded, sum};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_tests::{has, plain};

/// Writes a file of jemalloc's profile, and returns its path.
fn written(recorded: &Recorded, option: &str, name: &str) -> PathBuf {
    let path = recorded.directory.path().join(name);
    let output = profile(&[option]).args([&path, &recorded.profile]).output().expect("the command starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    path
}

/// Returns what a reader of profiles prints for people.
fn printed(reader: &mut Command) -> String {
    let output = reader.output().unwrap_or_else(|error| panic!("{reader:?}: {error}"));
    assert!(output.status.success(), "{reader:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}

/// Returns the line of a function.
fn row<'a>(text: &'a str, function: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.ends_with(&format!(" {function}")));
    line.unwrap_or_else(|| panic!("{function} is missing: {text}")).split_whitespace().collect()
}

/// The functions with the most of it themselves, and a function's bytes with what it calls, by a script of pprof's.
fn by_script(script: &str, recorded: &Recorded, file: &Path) -> String {
    let mut command = plain(script);
    command.args(["--text", "--show_bytes"]).arg(&recorded.program).arg(file).env("HOME", recorded.directory.path());
    printed(&mut command)
}

/// jeprof's numbers of a function and what it calls are the command's, but for rounding.
fn agrees(text: &str, recorded: &Recorded) {
    let report = recorded.json();
    for function in ["large_blocks", "small_blocks"] {
        let theirs: i64 = row(text, function)[3].parse().expect("bytes");
        let ours = sum(&report, function, "live_bytes");
        assert!((theirs - ours).abs() <= 2, "{function}: {theirs} and {ours}");
    }
    let first = text.lines().find(|line| line.contains('%')).expect("a row");
    assert!(first.ends_with(" allocate"), "{text}");
}

#[test]
fn jeprof_reads_jemallocs_own_file_as_we_do() {
    let (true, Some(recorded)) = (has("jeprof"), recorded()) else { return };
    agrees(&by_script("jeprof", &recorded, &recorded.profile), &recorded);
}

#[test]
fn jeprof_reads_heap_v2() {
    let (true, Some(recorded)) = (has("jeprof"), recorded()) else { return };
    let file = written(&recorded, "--heap-v2", "ours.heap");
    agrees(&by_script("jeprof", &recorded, &file), &recorded);
}

#[test]
fn google_pprof_reads_gperftools_text() {
    let (true, Some(recorded)) = (has("google-pprof"), recorded()) else { return };
    let file = written(&recorded, "--gperftools", "ours.heap");
    agrees(&by_script("google-pprof", &recorded, &file), &recorded);
}

/// What is written as text is read again with the same numbers.
#[test]
fn we_read_what_we_write() {
    let Some(recorded) = recorded() else { return };
    for (option, name) in [("--heap-v2", "a.heap"), ("--gperftools", "b.heap")] {
        let file = written(&recorded, option, name);
        let output = profile(&["--json", "-"]).arg(&file).output().expect("the command starts");
        let again: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let once = recorded.json();
        assert_eq!((&again["total"], &again["stacks"]), (&once["total"], &once["stacks"]), "{option}");
    }
}

/// What Go's pprof prints of a sample type.
fn go(file: &Path, kind: &str, more: &[&str]) -> String {
    let mut command = plain("go");
    command.args(["tool", "pprof", "-top", "-nodecount=40", "-unit=B", &format!("-sample_index={kind}")]).args(more);
    printed(command.arg(file).env("HOME", "/nonexistent").env("PPROF_TMPDIR", file.parent().expect("a directory")))
}

#[test]
fn go_reads_pprofs_format() {
    let (true, Some(recorded)) = (has("go"), recorded()) else { return };
    let file = written(&recorded, "--pprof", "ours.pb.gz");
    let report = recorded.json();
    for (kind, function, number) in [
        ("inuse_space", "large_blocks", "live_bytes"),
        ("inuse_objects", "small_blocks", "live_objects"),
        ("alloc_space", "freed_blocks", "allocated_bytes"),
        ("alloc_objects", "freed_blocks", "allocated_objects"),
    ] {
        let text = go(&file, kind, &[]);
        assert!(text.contains(&format!("Type: {kind}\n")), "{text}");
        let theirs: i64 = row(&text, function)[3].trim_end_matches('B').parse().expect("a number");
        assert_eq!(sum(&report, function, number), theirs, "{kind}: {text}");
    }
    let lines = go(&file, "inuse_space", &["-lines"]);
    assert!(lines.contains("/fixtures/allocates.c:10\n"), "{lines}");
    assert!(go(&file, "inuse_space", &[]).contains("\nBuild ID: "), "the program's build-id is missing");
}

#[test]
fn go_reads_inlined_functions() {
    if !has("go") {
        return;
    }
    let place = Place::new(&[], |_| ());
    assert_eq!(place.profile(&["--pprof", "ours.pb.gz"]).status.code(), Some(0));
    let text = go(&place.file("ours.pb.gz"), "inuse_space", &[]);
    let line = text.lines().find(|line| line.contains(" app::fill")).unwrap_or_else(|| panic!("{text}"));
    assert!(line.ends_with("app::fill (inline)") && line.contains(" 3000B "), "{text}");
}

/// inferno's own reader takes every line.
#[test]
fn inferno_reads_folded_stacks() {
    let place = Place::new(&[], |_| ());
    let output = place.profile(&["--folded", "-"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.lines().any(|line| line.ends_with(";main;app::serve;app::fill;app::Cache<int>::keep 3000")), "{text}");
    assert!(!text.contains("discard"), "nothing of it is live: {text}");
    let mut picture = Vec::new();
    let mut options = inferno::flamegraph::Options::default();
    inferno::flamegraph::from_lines(&mut options, text.lines(), &mut picture).expect("a flame graph");
    let picture = String::from_utf8(picture).expect("text");
    assert!(picture.contains("app::fill (3,000 samples, 60.00%)"), "{picture}");
}

/// What the Firefox Profiler's importer demands of a file, and a sample's way through the tables to its function.
#[test]
fn the_firefox_profiler_has_what_it_needs() {
    let place = Place::new(&[], |_| ());
    let output = place.profile(&["--firefox", "-"]);
    let profile: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in ["interval", "startTime", "processType", "product", "categories", "markerSchema", "version"] {
        assert!(!profile["meta"][key].is_null(), "meta.{key} is missing");
    }
    assert!(profile["meta"]["preprocessedProfileVersion"].as_u64() > Some(40) && profile["libs"].is_array());
    let thread = &profile["threads"][0];
    for table in ["samples", "stackTable", "frameTable", "funcTable", "resourceTable", "nativeSymbols", "markers"] {
        assert!(thread[table]["length"].is_u64(), "{table} is missing");
    }
    assert_eq!((&thread["name"], &thread["samples"]["weightType"]), (&"live bytes".into(), &"bytes".into()));
    let at = |table: &str, column: &str, row: &Value| {
        thread[table][column][row.as_u64().unwrap_or_else(|| panic!("{table}.{column}: {row}")) as usize].clone()
    };
    let weights = thread["samples"]["weight"].as_array().expect("a list");
    let sample = weights.iter().position(|weight| *weight == 3000).expect("the stack").into();
    let frame = at("stackTable", "frame", &at("samples", "stack", &sample));
    let name = at("funcTable", "name", &at("frameTable", "func", &frame));
    assert_eq!(thread["stringArray"][name.as_u64().expect("a place") as usize], "app::Cache<int>::keep");
}

/// A browser's parser is as strict.
#[test]
fn a_flame_graph_is_well_formed() {
    if !has("python3") {
        return;
    }
    let place = Place::new(&[], |_| ());
    assert_eq!(place.profile(&["--flamegraph", "ours.svg"]).status.code(), Some(0));
    let script = "import sys, xml.etree.ElementTree as tree\n\
                  print(*(title.text for title in tree.parse(sys.argv[1]).iter('{http://www.w3.org/2000/svg}title')), sep='\\n')";
    let titles = printed(plain("python3").args(["-c", script]).arg(place.file("ours.svg")));
    assert!(titles.contains("app::Cache<int>::keep (program): 2.9 KiB, 60.0 %"), "{titles}");
    assert!(titles.starts_with("all (): 4.9 KiB, 100.0 %"), "{titles}");
}

/// Numbers that no machine has are numbers in every format.
#[test]
fn absurd_counts_are_written() {
    let place = Place::new(&[], |_| ());
    let text = std::fs::read_to_string(place.file("profile.heap")).expect("there");
    let text =
        text.replace("heap_v2/0", "heap_v2/18446744073709551615").replace("3: 3000 [", "9223372036854775807: 1 [");
    std::fs::write(place.file("profile.heap"), text).expect("written");
    for option in ["--pprof", "--flamegraph", "--folded", "--firefox", "--json", "--heap-v2", "--gperftools"] {
        let output = place.profile(&[option, "absurd"]);
        assert_eq!(output.status.code(), Some(0), "{option}: {output:?}");
    }
}
