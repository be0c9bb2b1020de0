//! `xalloc profile`: on a program that writes its own profile, on jemalloc's, and before the programs that read what it writes.

mod common;
mod jemalloc;
mod live;
mod readers;
mod symbols;

/// As a user reads it.
#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/transcripts/profile/*.md");
}
