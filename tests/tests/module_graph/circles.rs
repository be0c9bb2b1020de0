//! The circles of files in a crate.

use crate::arrows::{Arrows, arrows};
use crate::tree::Tree;
use petgraph::graphmap::DiGraphMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Files each of which uses all others of them, directly or through others; as paths from the package's directory.
type Circle = BTreeSet<String>;

/// The circles in a package in `directory` whose crates have these files as `roots`, each with its arrows.
pub fn problems(directory: &Path, roots: &[impl AsRef<Path>]) -> Vec<String> {
    let directory = directory.canonicalize().expect("the package's directory");
    let short = |file: &Path| file.strip_prefix(&directory).unwrap_or(file).display().to_string();
    let mut problems = Vec::new();
    for root in roots {
        let arrows = arrows(&Tree::read(root.as_ref()));
        for files in circles(&arrows) {
            let circle: Circle = files.iter().map(|file| short(file)).collect();
            problems.push(described(&circle, &arrows, &files, &short));
        }
    }
    problems
}

/// The largest circles: no file is in two of them.
fn circles(arrows: &Arrows) -> Vec<BTreeSet<&Path>> {
    let graph: DiGraphMap<&Path, ()> = arrows.keys().map(|(from, to)| (from.as_path(), to.as_path())).collect();
    let groups = petgraph::algo::tarjan_scc(&graph);
    groups.into_iter().filter(|group| group.len() > 1).map(|group| group.into_iter().collect()).collect()
}

/// The circle, with the place in the code that makes each of its arrows.
fn described(circle: &Circle, arrows: &Arrows, files: &BTreeSet<&Path>, short: &impl Fn(&Path) -> String) -> String {
    let mut text = format!("a circle of files: {circle:?}");
    for ((from, to), name) in arrows {
        if files.contains(from.as_path()) && files.contains(to.as_path()) {
            write!(text, "\n  {}:{} uses {} ({})", short(from), name.line, short(to), name.text())
                .expect("a String takes all");
        }
    }
    text
}
