//! Links from page to page, and into pages.

use crate::page::Page;
use std::path::Path;
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
