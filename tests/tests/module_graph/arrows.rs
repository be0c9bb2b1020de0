//! Which file of a crate uses which: an arrow from each file that names something to the file that declares it.

use crate::names::Name;
use crate::tree::{Module, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The arrows, with the first name that makes each.
pub type Arrows = BTreeMap<(PathBuf, PathBuf), Name>;

/// The arrows of a crate. `mod name;` and `pub use` are none: they only pass names on, and a name is followed through them to
/// the file that declares it.
pub fn arrows(tree: &Tree) -> Arrows {
    let mut arrows = Arrows::new();
    for (number, module) in tree.modules.iter().enumerate() {
        let imported = module.imports.iter().filter(|import| !import.is_reexport && import.name.is_some());
        let used = module.paths.iter().filter(|name| !is_variable(module, name));
        for name in imported.map(|import| &import.path).chain(used) {
            for target in resolve(tree, number, &name.segments, &mut BTreeSet::new()) {
                let to = &tree.modules[target].file;
                if *to != module.file {
                    arrows.entry((module.file.clone(), to.clone())).or_insert_with(|| name.clone());
                }
            }
        }
    }
    arrows
}

/// Returns whether all that `name` could be here is a module, which alone is nothing that code can use: then it is a variable.
fn is_variable(module: &Module, name: &Name) -> bool {
    let [only] = &name.segments[..] else { return false };
    let is_imported = module.imports.iter().any(|import| import.name.as_ref() == Some(only));
    !is_imported && module.children.iter().any(|(child, _)| child == only)
}

/// The imports that are being followed, so that two which lead to each other end.
type Followed = BTreeSet<(usize, String)>;

/// The modules that declare what `path` names in module `from`, or that it names themselves: several where each system has a
/// file of its own, none for another crate's.
fn resolve(tree: &Tree, from: usize, path: &[String], followed: &mut Followed) -> BTreeSet<usize> {
    let Some((first, rest)) = path.split_first() else { return BTreeSet::from([from]) };
    let module = &tree.modules[from];
    match first.as_str() {
        "crate" => resolve(tree, 0, rest, followed),
        "self" => resolve(tree, from, rest, followed),
        "super" => module.parent.map(|parent| resolve(tree, parent, rest, followed)).unwrap_or_default(),
        _ => named(tree, from, first, rest, followed),
    }
}

/// As [`resolve`], of a path that begins with a name.
fn named(tree: &Tree, from: usize, first: &str, rest: &[String], followed: &mut Followed) -> BTreeSet<usize> {
    let module = &tree.modules[from];
    let children = |module: &Module| -> Vec<usize> {
        module.children.iter().filter(|(name, _)| name == first).map(|&(_, child)| child).collect()
    };
    let inside = children(module);
    // A module and a function may have one name: the first is meant where something follows.
    if !rest.is_empty() && !inside.is_empty() {
        return inside.into_iter().flat_map(|child| resolve(tree, child, rest, followed)).collect();
    }
    // What follows the name of a type, a constant of it or a function, stands in the type's file.
    if module.items.contains(first) {
        return BTreeSet::from([from]);
    }
    if !followed.insert((from, first.to_owned())) {
        return BTreeSet::new();
    }
    let mut found = BTreeSet::new();
    for import in module.imports.iter().filter(|import| import.name.as_deref() == Some(first)) {
        let path: Vec<String> = import.path.segments.iter().chain(rest).cloned().collect();
        found.extend(resolve(tree, from, &path, followed));
    }
    if found.is_empty() {
        for import in module.imports.iter().filter(|import| import.name.is_none()) {
            for target in resolve(tree, from, &import.path.segments, followed) {
                if target != from {
                    found.extend(named(tree, target, first, rest, followed));
                }
            }
        }
    }
    followed.remove(&(from, first.to_owned()));
    if found.is_empty() { inside.into_iter().collect() } else { found }
}
