//! The list of names that the library exports: `exports/linux.map`.

/// What only libxalloc itself exports: it can be observed.
const OWN: &str = "xalloc_wanted";

/// The names that the library with the tested heap exports, in the order of the file.
pub fn names() -> Vec<String> {
    let path = crate::checkout().join("exports/linux.map");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != "global:")
        .take_while(|line| *line != "local:")
        .filter_map(|line| line.strip_suffix(';'))
        .filter(|&name| name != OWN || crate::heaps::chosen().is_in_libxalloc())
        .map(str::to_owned)
        .collect()
}
