//! The options that docs/migrating.md gives for those of other allocators.

use xalloc_tests::checkout;

/// What the last column of a table names and is no option of `XALLOC_CONF`, or no value of one.
pub fn unknown() -> Vec<String> {
    let text = std::fs::read_to_string(checkout().join("docs/migrating.md")).expect("the page");
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some((_, cell)) = line.trim_end_matches('|').rsplit_once('|') else { continue };
        // Every second piece is code.
        let code = cell.split('`').skip(1).step_by(2);
        for option in code.filter(|code| code.contains(':') && !code.contains("::") && !code.contains(' ')) {
            let value = option.replace(":N", ":1");
            xalloc_options::parse(value.as_bytes(), |parsed| {
                if parsed.is_err() {
                    problems.push(format!("docs/migrating.md:{}: there is no {option}", number + 1));
                }
            });
        }
    }
    problems
}
