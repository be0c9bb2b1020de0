//! What C, C++, POSIX and glibc promise of malloc and its like, a line for each promise, on glibc and on xalloc.

use libtest_mimic::{Arguments, Trial};
use xalloc_tests::{fixture, plain, preloaded, rows, run};

/// Rows of glibc 2.36 that are not xalloc's promises: it has taken any alignment in `aligned_alloc` until 2.38.
const EXCUSED: &[&str] = &["aligned_alloc_refuses_bad_alignments"];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = rows::both("conformance_sizes.c", EXCUSED, |_| {});
    trials.extend(rows::both("conformance_aligned.c", EXCUSED, |_| {}));
    trials.extend(rows::both("conformance_operators.cpp", EXCUSED, |_| {}));
    trials.extend(rows::both("conformance_introspection.c", EXCUSED, |_| {}));
    trials.push(Trial::test("xalloc/malloc_info_is_well_formed", malloc_info_is_well_formed));
    trials.push(Trial::test("xalloc/malloc_stats_writes_to_stderr_only", malloc_stats_writes_to_stderr_only));
    libtest_mimic::run(&arguments, trials).exit();
}

fn malloc_info_is_well_formed() -> Result<(), libtest_mimic::Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("info.xml");
    let program = fixture("conformance_introspection.c", &[]);
    run(preloaded(program, "").env("XML", &path), std::time::Duration::from_secs(60))?;
    let text = std::fs::read_to_string(path)?;
    let document = roxmltree::Document::parse(&text)?;
    let root = document.root_element();
    if root.tag_name().name() != "malloc" || root.attribute("version") != Some("1") {
        return Err(format!("not the document: {text}").into());
    }
    Ok(())
}

fn malloc_stats_writes_to_stderr_only() -> Result<(), libtest_mimic::Failed> {
    let program = fixture("conformance_introspection.c", &[]);
    let limit = std::time::Duration::from_secs(60);
    let ours = run(&mut preloaded(&program, ""), limit)?;
    let system = run(&mut plain(&program), limit)?;
    if !String::from_utf8_lossy(&ours.stderr).contains("in use bytes") || system.stderr.is_empty() {
        return Err(format!("stderr: {}", String::from_utf8_lossy(&ours.stderr)).into());
    }
    if String::from_utf8_lossy(&ours.stdout).contains("xalloc") {
        return Err("statistics on stdout".into());
    }
    Ok(())
}
