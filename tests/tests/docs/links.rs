//! Links from page to page, and into pages.

use crate::page::Page;
use std::path::{Path, PathBuf};
use xalloc_tests::checkout;

/// The links that lead to no file, or to no heading. Those to other sites are nobody's business here: they need a network.
pub fn broken(page: &Page) -> Vec<String> {
    let folder = Path::new(&page.name).parent().expect("a page is in a folder");
    let local = page.links.iter().filter(|(_, link)| !link.contains("://") && !link.starts_with("mailto:"));
    let mut problems = Vec::new();
    for (line, link) in local {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = if path.is_empty() { page.name.clone() } else { joined(folder, path) };
        let problem = if !checkout().join(&target).exists() {
            "there is no such file"
        } else if !anchor.is_empty() && !anchors(&Page::read(&target).headings).contains(&anchor.to_owned()) {
            "there is no such heading"
        } else {
            continue;
        };
        problems.push(format!("{}:{line}: {link}: {problem}", page.name));
    }
    problems
}

/// The source files that a page names and that are nowhere in the checkout. CHANGELOG.md names what there was.
pub fn gone_files(page: &Page) -> Vec<String> {
    let sources = sources(checkout());
    let is_name = |code: &str| code.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    let is_source = |code: &str| code.ends_with(".rs") && is_name(code);
    let named = page.codes.iter().filter(|(_, code)| is_source(code) && page.name != "CHANGELOG.md");
    named
        .filter(|(_, code)| !sources.iter().any(|source| source.ends_with(Path::new(code))))
        .map(|(line, code)| format!("{}:{line}: {code}: there is no such file", page.name))
        .collect()
}

/// All Rust files below a folder, but for what was built or fetched.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    let is_ours = |path: &PathBuf| !path.ends_with("target") && !path.ends_with(".git");
    entries
        .filter(is_ours)
        .flat_map(|path| match (path.is_dir() && !path.is_symlink(), path.extension()) {
            (true, _) => sources(&path),
            (false, Some(extension)) if extension == "rs" => vec![path],
            _ => vec![],
        })
        .collect()
}

/// The pages that docs/README.md does not lead to.
pub fn not_in_the_index(names: &[String]) -> Vec<String> {
    let index = Page::read("docs/README.md");
    let linked: Vec<String> = index.links.iter().map(|(_, link)| joined(Path::new("docs"), link)).collect();
    let pages = names.iter().filter(|name| name.starts_with("docs/") && **name != index.name);
    pages.filter(|name| !linked.contains(name)).map(|name| format!("docs/README.md has no link to {name}")).collect()
}

/// A link as it is seen from the checkout: `docs/../README.md` is `README.md`.
fn joined(folder: &Path, link: &str) -> String {
    let path = folder.join(link);
    let mut parts: Vec<_> = Vec::new();
    for part in path.iter() {
        if part == ".." { drop(parts.pop()) } else { parts.push(part.to_string_lossy()) }
    }
    parts.join("/")
}

/// The names that GitHub gives headings: small letters, hyphens for blanks, no punctuation; a number if one comes again.
fn anchors(headings: &[String]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for heading in headings {
        let kept = |character: &char| character.is_alphanumeric() || " -_".contains(*character);
        let name: String = heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-");
        let same = headings[..anchors.len()].iter().filter(|before| *before == heading).count();
        anchors.push(if same == 0 { name } else { format!("{name}-{same}") });
    }
    anchors
}
