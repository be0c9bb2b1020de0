//! Where the functions and constants of a crate's types are: a type may have `impl` blocks in several files.

use crate::names::{Impl, Name};
use crate::resolve::{Target, resolve};
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A function or a constant of a type; of its own, or of a trait that it implements.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    of: Target,
    name: String,
    is_trait: bool,
}

/// The files that have each: several where each system has one of its own.
pub struct Members(BTreeMap<Member, BTreeSet<PathBuf>>);

impl Members {
    pub fn of(tree: &Tree) -> Self {
        let mut members = BTreeMap::<Member, BTreeSet<PathBuf>>::new();
        for (number, module) in tree.modules.iter().enumerate() {
            for block in &module.impls {
                for of in resolve(tree, number, &block.of) {
                    for name in &block.members {
                        let member = Member { of: of.clone(), name: name.clone(), is_trait: block.is_trait };
                        members.entry(member).or_default().insert(module.file.clone());
                    }
                }
            }
        }
        Self(members)
    }

    /// The files that have what `name` is in a block of module `from`: none if it is a trait's own, or another crate's.
    pub fn files(&self, tree: &Tree, from: usize, block: &Impl, name: &Name) -> BTreeSet<&PathBuf> {
        let have = |is_trait| {
            let targets = resolve(tree, from, &block.of).into_iter();
            targets.filter_map(move |of| self.0.get(&Member { of, name: name.text(), is_trait })).flatten().collect()
        };
        let own: BTreeSet<&PathBuf> = have(false);
        if own.is_empty() { have(true) } else { own }
    }
}
