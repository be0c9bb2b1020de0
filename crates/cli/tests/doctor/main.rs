//! `xalloc doctor` on programs that these tests build.

mod findings;
mod fixtures;
mod guesses;
mod notes;
mod runs;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes a file that the user may execute.
fn executable(path: &Path, content: &[u8]) {
    std::fs::write(path, content).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("one's own file");
}

#[test]
fn transcripts() {
    let programs = [
        ("server", fixtures::plain()),
        ("static-server", fixtures::with("program.c", &["-static"])),
        ("own-server", fixtures::with("own_malloc.c", &["-DVISIBILITY=\"hidden\""])),
    ];
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcripts");
    std::fs::create_dir_all(&directory).expect("a directory");
    for (name, program) in programs {
        xalloc_tests::copy(program, &directory.join(name));
    }
    let cut_off = std::fs::read(fixtures::plain()).expect("it was just built");
    executable(&directory.join("cut-off-server"), &cut_off[..4000]);
    executable(&directory.join("wrapper"), b"#!/bin/sh\nexec static-server \"$@\"\n");
    let path = std::env::var("PATH").unwrap_or_default();
    trycmd::TestCases::new()
        .env("PATH", format!("{}:{path}", directory.display()))
        .env("XALLOC_LIBRARY", xalloc_tests::library().display().to_string())
        .case("tests/transcripts/doctor/*.md");
}
