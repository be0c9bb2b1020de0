//! `xalloc doctor` on programs that these tests build.

mod findings;
mod fixtures;
mod runs;

use std::path::Path;

#[test]
fn transcripts() {
    let programs = [("server", fixtures::plain()), ("static-server", fixtures::with("program.c", &["-static"]))];
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("transcripts");
    std::fs::create_dir_all(&directory).expect("a directory");
    for (name, program) in programs {
        xalloc_tests::copy(program, &directory.join(name));
    }
    let path = std::env::var("PATH").unwrap_or_default();
    trycmd::TestCases::new()
        .env("PATH", format!("{}:{path}", directory.display()))
        .env("XALLOC_LIBRARY", xalloc_tests::library().display().to_string())
        .case("tests/transcripts/doctor/*.md");
}
