//! `xalloc stats`: the counts of processes whose counts are known, and what it refuses.

mod attached;
mod program;
mod refused;
mod started;

use xalloc_tests::library;

/// As a user reads it.
#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .env("XALLOC_LIBRARY", library().display().to_string())
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("HOME", "/nonexistent")
        .case("tests/transcripts/stats/*.md");
}
