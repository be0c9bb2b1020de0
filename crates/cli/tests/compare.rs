//! `xalloc compare` as it looks to a user. What is measured differs from run to run and is not compared.

#[test]
fn transcripts() {
    trycmd::TestCases::new().case("tests/transcripts/compare/*.md");
}
