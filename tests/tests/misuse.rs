//! Pointers that never were the heap's: one line that says which and why, then SIGABRT, or with `invalid:report` the program's
//! further life.

use libtest_mimic::{Arguments, Failed, Trial};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use xalloc_tests::{fixture, preloaded, run};

const SIGABRT: i32 = 6;
const LIMIT: Duration = Duration::from_secs(30);

/// The mistake, the size of the block it is made with, the call that is blamed, and a word of the reason.
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("stack", "0", "free()", "stack"),
    ("static", "0", "free()", "static data"),
    ("unmapped", "0", "free()", "no memory is mapped"),
    ("behind_a_guard", "0", "free()", "not a block"),
    ("near_null", "0", "free()", "no memory is mapped"),
    ("beyond", "0", "free()", "no memory is mapped"),
    ("usable_size_interior", "100", "malloc_usable_size()", "interior pointer"),
    ("usable_size_interior", "100000", "malloc_usable_size()", "interior pointer"),
    ("usable_size_interior", "5000000", "malloc_usable_size()", "interior pointer"),
];

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("misuse.c", &[]).into_boxed_path());
    let mut trials = Vec::new();
    for &(mistake, size, call, reason) in MISTAKES {
        trials.push(Trial::test(format!("abort/{mistake}_{size}"), move || {
            let output = make(program, mistake, size, "")?;
            if output.status.signal() != Some(SIGABRT) {
                return Err(format!("{}: {}", output.status, said(&output)).into());
            }
            blames(&output, call, reason)
        }));
        trials.push(Trial::test(format!("report/{mistake}_{size}"), move || {
            let output = make(program, mistake, size, "invalid:report")?;
            if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains("survived") {
                return Err(format!("{}: {}", output.status, said(&output)).into());
            }
            blames(&output, call, reason)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn make(program: &Path, mistake: &str, size: &str, conf: &str) -> Result<Output, Failed> {
    Ok(run(preloaded(program, conf).args([mistake, size]), LIMIT)?)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Demands one line on stderr, for this call, the pointer that the fixture announced, and this reason.
fn blames(output: &Output, call: &str, reason: &str) -> Result<(), Failed> {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let pointer = stdout.lines().next().unwrap_or_default();
    let line = said(output);
    let expected = format!("xalloc: {call}: {pointer}: ");
    if line.lines().count() != 1 || !line.starts_with(&expected) || !line.contains(reason) {
        return Err(format!("expected '{expected}…{reason}…', stderr is:\n{line}").into());
    }
    Ok(())
}
