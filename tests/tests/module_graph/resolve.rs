//! What a path in a module stands for.

use crate::tree::{Module, Tree};
use std::collections::BTreeSet;

/// What a path leads to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The module, by its number in [`Tree::modules`].
    pub module: usize,
    /// What it declares; none if the path names the module itself.
    pub item: Option<String>,
}

/// The imports that are being followed, so that two which lead to each other end.
type Followed = BTreeSet<(usize, String)>;

/// What `path` names in module `from`: several things where each system has a file of its own, none for another crate's.
pub fn resolve(tree: &Tree, from: usize, path: &[String]) -> BTreeSet<Target> {
    follow(tree, from, path, &mut BTreeSet::new())
}

fn follow(tree: &Tree, from: usize, path: &[String], followed: &mut Followed) -> BTreeSet<Target> {
    let Some((first, rest)) = path.split_first() else { return BTreeSet::from([Target { module: from, item: None }]) };
    let module = &tree.modules[from];
    match first.as_str() {
        "crate" => follow(tree, 0, rest, followed),
        "self" => follow(tree, from, rest, followed),
        "super" => module.parent.map(|parent| follow(tree, parent, rest, followed)).unwrap_or_default(),
        _ => named(tree, from, first, rest, followed),
    }
}

/// As [`resolve`], of a path that begins with a name.
fn named(tree: &Tree, from: usize, first: &str, rest: &[String], followed: &mut Followed) -> BTreeSet<Target> {
    let module = &tree.modules[from];
    let children = |module: &Module| -> Vec<usize> {
        module.children.iter().filter(|(name, _)| name == first).map(|&(_, child)| child).collect()
    };
    let inside = children(module);
    // A module and a function may have one name: the first is meant where something follows.
    if !rest.is_empty() && !inside.is_empty() {
        return inside.into_iter().flat_map(|child| follow(tree, child, rest, followed)).collect();
    }
    // What follows the name of a type, a constant of it or a function, stands in the type's file.
    if module.items.contains(first) {
        return BTreeSet::from([Target { module: from, item: Some(first.to_owned()) }]);
    }
    if !followed.insert((from, first.to_owned())) {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    for import in module.imports.iter().filter(|import| import.name.as_deref() == Some(first)) {
        let path: Vec<String> = import.path.segments.iter().chain(rest).cloned().collect();
        found.extend(follow(tree, from, &path, followed));
    }
    if found.is_empty() {
        for import in module.imports.iter().filter(|import| import.name.is_none()) {
            for target in follow(tree, from, &import.path.segments, followed) {
                if target.module != from {
                    found.extend(named(tree, target.module, first, rest, followed));
                }
            }
        }
    }
    followed.remove(&(from, first.to_owned()));
    let modules = inside.into_iter().map(|module| Target { module, item: None });
    if found.is_empty() { modules.collect() } else { found }
}
