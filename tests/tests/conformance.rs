//! What C, C++, POSIX and glibc promise of malloc and its like, a test for each promise, on glibc and on xalloc. On glibc, so that
//! the promise itself is tested.

use libtest_mimic::{Arguments, Failed, Trial};
use std::time::Duration;
use xalloc_tests::{promises, run};

const GROUPS: [&str; 6] = ["symbols", "malloc", "alignment", "operators", "statistics", "start-and-end"];

/// Of glibc 2.36, which has taken any alignment in `aligned_alloc` until 2.38.
const NOT_OF_GLIBC: &[&str] = &["aligned_alloc_refuses_bad_alignments"];

/// What the library leaves to libc.
const NOT_OF_XALLOC: &[&str] = &["reallocarray_is_bound"];

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for promise in GROUPS.into_iter().flat_map(promises::of_group) {
        if !NOT_OF_GLIBC.contains(&promise.as_str()) {
            let mut command = promises::on_glibc(&promise);
            trials.push(Trial::test(format!("glibc/{promise}"), move || Ok(promises::check(&mut command)?)));
        }
        trials.push(Trial::test(format!("xalloc/{promise}"), move || holds(&promise)));
    }
    trials.push(Trial::test("xalloc/malloc_info_is_well_formed", malloc_info_is_well_formed));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The library's own heap has everything that can be checked.
fn holds(promise: &str) -> Result<(), Failed> {
    let mut command = promises::on_xalloc(promise, "");
    let output = run(&mut command, Duration::from_secs(600))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let is_here = !NOT_OF_XALLOC.contains(&promise);
    match output.status.code() {
        Some(0) if said.ends_with("holds\n") && is_here => Ok(()),
        Some(3) if !is_here => Ok(()),
        _ => Err(format!("{}\n{}", output.status, xalloc_tests::tail(&output)).into()),
    }
}

fn malloc_info_is_well_formed() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("info.xml");
    promises::check(promises::on_xalloc("malloc_info_writes_xml", "").env("XML", &path))?;
    let text = std::fs::read_to_string(path)?;
    let document = roxmltree::Document::parse(&text)?;
    let root = document.root_element();
    if root.tag_name().name() != "malloc" || root.attribute("version") != Some("1") {
        return Err(format!("not the document: {text}").into());
    }
    Ok(())
}
