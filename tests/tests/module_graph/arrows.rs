//! Which file of a crate uses which: an arrow from each file that names something to the file that declares it, and from each
//! file that calls a method of `self` to the file that has it.

use crate::members::Members;
use crate::names::Name;
use crate::resolve::resolve;
use crate::tree::{Module, Tree};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The arrows, with the first name that makes each.
pub type Arrows = BTreeMap<(PathBuf, PathBuf), Name>;

/// The arrows of a crate. `mod name;` and `pub use` are none: they only pass names on, and a name is followed through them to
/// the file that declares it.
pub fn arrows(tree: &Tree) -> Arrows {
    let mut arrows = Arrows::new();
    let mut add = |from: &PathBuf, to: &PathBuf, name: &Name| {
        if to != from {
            arrows.entry((from.clone(), to.clone())).or_insert_with(|| name.clone());
        }
    };
    let members = Members::of(tree);
    for (number, module) in tree.modules.iter().enumerate() {
        let imported = module.imports.iter().filter(|import| !import.is_reexport && import.name.is_some());
        let used = module.paths.iter().filter(|name| !is_variable(module, name));
        for name in imported.map(|import| &import.path).chain(used) {
            for target in resolve(tree, number, &name.segments) {
                add(&module.file, &tree.modules[target.module].file, name);
            }
        }
        for block in &module.impls {
            for name in &block.uses {
                for file in members.files(tree, number, block, name) {
                    add(&module.file, file, &Name { segments: vec!["self".to_owned(), name.text()], line: name.line });
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
