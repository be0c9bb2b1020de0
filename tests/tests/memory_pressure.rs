//! The kernel refuses: at the k-th request for memory, for every k, and for good under a limit. The program gets NULL and
//! ENOMEM, goes on, and finds its memory again once there is some.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{configure, fixture, has, library, plain, preloaded, succeed};

const LIMIT: Duration = Duration::from_secs(120);

fn main() {
    let arguments = Arguments::from_args();
    let program: &'static Path = Box::leak(fixture("memory_pressure.c", &[]).into_boxed_path());
    let mut trials = Vec::new();
    match requests(program) {
        Ok(requests) => {
            trials.extend((1..=requests).map(|request| {
                Trial::test(format!("request_{request}_fails"), move || request_fails(program, request))
            }))
        }
        Err(error) => trials.push(Trial::test("requests_are_counted", || Err(error))),
    }
    for (way, megabytes) in [("limit", 64), ("limit", 200), ("limit", 600), ("data", 13), ("data", 16), ("data", 64)] {
        trials.push(Trial::test(format!("{way}_{megabytes}_megabytes"), move || {
            let bytes = (megabytes << 20).to_string();
            succeed(preloaded(program, "").args([way, &bytes]), LIMIT)?;
            Ok(())
        }));
    }
    let (addresses, data) = ("-v 200000", "-d 10000");
    let programs = [
        ("true", "", addresses),
        ("python3", "-c pass", addresses),
        ("perl", "-e 1", addresses),
        ("perl", "-e 1", data),
    ];
    for (program, rest, limit) in programs {
        trials.push(Trial::test(format!("{program} with ulimit {limit}"), move || {
            if !has(program) {
                return Ok(());
            }
            let script = format!("ulimit {limit}; LD_PRELOAD=$1 exec {program} {rest}");
            let mut command = plain("bash");
            configure(&mut command, "");
            let output = succeed(command.args(["-c", &script, "bash"]).arg(library()), LIMIT)?;
            if !output.stderr.is_empty() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
            }
            Ok(())
        }));
    }
    trials.push(Trial::test("failures_are_seen_and_end", move || failures_are_seen_and_end(program)));
    trials.push(Trial::test("what_cannot_be_is_refused_as_by_glibc", what_cannot_be_is_refused));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Programs ask for what they take to be impossible, and rely on the answer. Which one that is, the machine's settings decide.
fn what_cannot_be_is_refused() -> Result<(), Failed> {
    let program = fixture("too_large.c", &[]);
    let said = |mut command: Command| {
        succeed(&mut command, LIMIT).map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (glibc, ours) = (said(plain(&program))?, said(preloaded(&program, ""))?);
    if glibc == ours && glibc.contains("block") {
        return Ok(());
    }
    let different = glibc.lines().zip(ours.lines()).filter(|(glibc, ours)| glibc != ours);
    Err(different.map(|(glibc, ours)| format!("glibc: {glibc}\nxalloc: {ours}\n")).collect::<String>().into())
}

/// How many requests the fixture makes in its first round; a few more, because its threads compete for what there is.
fn requests(program: &Path) -> Result<usize, Failed> {
    const FAR: usize = 500;
    let rest = rest(program, FAR)?;
    // More to come than there were: the failure was not seen. Hardly any in the round: it is not what it claims to be.
    let requests = FAR.checked_sub(rest).filter(|&requests| requests > 20);
    Ok(3 + requests.ok_or_else(|| format!("{rest} of {FAR} requests are still to come"))?)
}

/// How many requests are still to come, after the fixture's first round, until the one that fails.
fn rest(program: &Path, request: usize) -> Result<usize, Failed> {
    said(preloaded(program, &format!("fail_mapping:{request}")).arg("rest"), "rest ")
}

fn nulls(program: &Path, request: usize) -> Result<usize, Failed> {
    said(&mut preloaded(program, &format!("fail_mapping:{request}")), "nulls ")
}

/// The number that the fixture says after `name`.
fn said(command: &mut Command, name: &str) -> Result<usize, Failed> {
    let output = succeed(command, LIMIT)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = text.trim().strip_prefix(name).and_then(|count| count.parse().ok());
    count.ok_or_else(|| format!("the fixture said: {text}").into())
}

fn request_fails(program: &Path, request: usize) -> Result<(), Failed> {
    // A single refusal may cost several blocks (those that wait for the same region), never all of them.
    let count = nulls(program, request)?;
    if count > 20 { Err(format!("{count} allocations failed for one refusal").into()) } else { Ok(()) }
}

/// The test itself: a refusal reaches a program that has nothing to give back, and one that never comes does not.
fn failures_are_seen_and_end(program: &Path) -> Result<(), Failed> {
    let (near, far, last) = (rest(program, 400)?, rest(program, 600)?, nulls(program, 100_000)?);
    // The threads of the first round compete for what there is.
    if far.abs_diff(near + 200) > 10 || last != 0 {
        return Err(format!("{near} requests until the 400th, {far} until the 600th, {last} NULLs").into());
    }
    Ok(())
}
