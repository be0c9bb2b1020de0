//! libxalloc.so as a library that programs are linked with, and as one that the loader finds by its name: where cargo makes it,
//! and where it is installed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{checkout, fixture, has, library, plain, preloadable, succeed};

const LIMIT: Duration = Duration::from_secs(120);

/// The program runs, and the library is in it, once.
fn serves(command: &mut Command) {
    command.env("XALLOC_CONF", "verbose:true");
    let output = succeed(command, LIMIT).unwrap_or_else(|error| panic!("{error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("xalloc ") && said.lines().count() == 1, "{command:?}: {said}");
}

/// Programs that are linked with the library in `directory`, by its path and by its name, find it there.
fn links(directory: &Path) {
    let path = directory.display().to_string();
    let (file, search, rpath) = (format!("{path}/libxalloc.so"), format!("-L{path}"), format!("-Wl,-rpath,{path}"));
    for flags in [&[file.as_str()][..], &[search.as_str(), "-lxalloc"]] {
        let with_rpath = fixture("bindings.c", &[flags, &[rpath.as_str()]].concat());
        serves(&mut plain(&with_rpath));
        serves(plain(&with_rpath).env("LD_PRELOAD", &file));
        serves(plain(fixture("bindings.c", flags)).env("LD_LIBRARY_PATH", directory));
    }
}

fn preloads(directory: &Path, name: &str) {
    serves(plain("true").env("LD_LIBRARY_PATH", directory).env("LD_PRELOAD", name));
}

#[test]
fn where_cargo_makes_it() {
    let directory = library().parent().expect("a directory");
    links(directory);
    preloads(directory, "libxalloc.so");
}

#[test]
fn where_it_is_installed() {
    let root = preloadable();
    // Without a limit: it builds.
    let mut install = plain(checkout().join("scripts/install"));
    let output = install.arg(root.path()).env_remove("XALLOC_PREFIX").output().expect("the script starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let directory = root.path().join("lib");
    let numbered = root.path().join("lib/libxalloc.so.0");
    for _ in 0..2 {
        links(&directory);
        preloads(&directory, "libxalloc.so");
        preloads(&directory, "libxalloc.so.0");
        // Makes the links as it likes them.
        if has("ldconfig") {
            succeed(plain("ldconfig").arg("-n").arg(&directory), LIMIT).unwrap_or_else(|error| panic!("{error}"));
        }
    }
    // What programs need is the numbered name: the other one is for the linker, and may come in another package.
    let program = fixture("bindings.c", &[&format!("-L{}", directory.display()), "-lxalloc"]);
    std::fs::remove_file(directory.join("libxalloc.so")).expect("a link");
    assert!(!numbered.is_symlink());
    serves(plain(program).env("LD_LIBRARY_PATH", &directory));
}
