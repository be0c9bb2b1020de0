//! `xalloc compare`: as it looks to a user, on programs, on servers, and its page. What is measured differs from run to run and is
//! not compared.

mod common;
mod memory;
mod page;
mod programs;
mod servers;

#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/transcripts/compare/*.md");
}
