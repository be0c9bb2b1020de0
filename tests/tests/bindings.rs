//! Every exported name wins: the loader itself says, for a C and a C++ program, whose definition each reference got.

use libtest_mimic::{Arguments, Trial};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{exports, fixture, library, preloaded, succeed};

fn main() {
    let arguments = Arguments::from_args();
    let mut bound = BTreeMap::new();
    for source in ["bindings.c", "bindings.cpp"] {
        let program = fixture(source, &[]);
        bound.extend(bindings(&program, &mut preloaded(&program, "")));
    }
    let elsewhere = fixture("bindings_elsewhere.c", &["-shared", "-fPIC"]);
    let mut command = preloaded("true", "");
    command.env("LD_PRELOAD", format!("{} {}", library().display(), elsewhere.display()));
    bound.extend(bindings(&elsewhere, &mut command));
    let trials = exports::names()
        .into_iter()
        // Data, which no program refers to: the command finds it by its name.
        .filter(|name| name != "xalloc_wanted")
        .map(|name| {
            let to = bound.get(&name).cloned();
            Trial::test(name, move || match to {
                Some(file) if file == library().to_string_lossy() => Ok(()),
                Some(file) => Err(format!("bound to {file}").into()),
                None => Err("not bound at all".into()),
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// The file that each of the references of `from` is bound to when `command` runs.
fn bindings(from: &Path, command: &mut Command) -> BTreeMap<String, String> {
    command.env("LD_BIND_NOW", "1").env("LD_DEBUG", "bindings");
    let output = succeed(command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
    let from = format!("binding file {} [0] to ", from.display());
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter_map(|line| line.split_once(&from)?.1.split_once(" [0]: normal symbol `"))
        .filter_map(|(file, rest)| Some((rest.split_once('\'')?.0.to_owned(), file.to_owned())))
        .collect()
}
