//! The circles in a crate, compared with those that are known.

use crate::arrows::{Arrows, arrows};
use crate::tree::Tree;
use petgraph::graphmap::DiGraphMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Files each of which uses all others of them, directly or through others; as paths from the package's directory.
type Circle = BTreeSet<String>;

/// What is wrong with a package in `directory` whose crates have these files as `roots`: circles that `known` does not have,
/// and circles in `known` that are no more.
pub fn problems(directory: &Path, roots: &[impl AsRef<Path>], known: &[&[&str]]) -> Vec<String> {
    let directory = directory.canonicalize().expect("the package's directory");
    let short = |file: &Path| file.strip_prefix(&directory).unwrap_or(file).display().to_string();
    let mut left: Vec<Circle> = known.iter().map(|files| files.iter().map(ToString::to_string).collect()).collect();
    let mut problems = Vec::new();
    for root in roots {
        let arrows = arrows(&Tree::read(root.as_ref()));
        for files in circles(&arrows) {
            let circle: Circle = files.iter().map(|file| short(file)).collect();
            match left.iter().position(|known| *known == circle) {
                Some(position) => drop(left.remove(position)),
                None => problems.push(described(&circle, &arrows, &files, &short)),
            }
        }
    }
    problems.extend(left.iter().map(|circle| format!("known.rs lists a circle that is no more: {circle:?}")));
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
            let path = name.segments.join("::");
            write!(text, "\n  {}:{} uses {} ({path})", short(from), name.line, short(to)).expect("a String takes all");
        }
    }
    text
}
