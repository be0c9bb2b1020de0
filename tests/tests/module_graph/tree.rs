//! The modules of a crate, read from its files: what each declares, imports and names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::Item;

use crate::names::{Impl, Import, Name, Names};

/// A module: a file, or a part of one between braces.
pub struct Module {
    /// Where it stands.
    pub file: PathBuf,
    /// The module around it, by its number in [`Tree::modules`].
    pub parent: Option<usize>,
    /// The modules in it. A name may come twice, with a file for each system.
    pub children: Vec<(String, usize)>,
    /// What it declares itself, apart from modules.
    pub items: BTreeSet<String>,
    /// Its `use` declarations, one for each name that they bring.
    pub imports: Vec<Import>,
    /// The paths in its code.
    pub paths: Vec<Name>,
    /// Its `impl` blocks.
    pub impls: Vec<Impl>,
}

/// A crate: its modules, the root first.
pub struct Tree {
    pub modules: Vec<Module>,
}

impl Tree {
    /// The crate whose root is `file`.
    pub fn read(file: &Path) -> Self {
        let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut tree = Self { modules: Vec::new() };
        let directory = file.parent().expect("a file is in a directory");
        tree.read_file(&file, directory, None);
        tree
    }

    /// Reads a module from `file`; the files of the modules in it are in `directory`.
    fn read_file(&mut self, file: &Path, directory: &Path, parent: Option<usize>) -> usize {
        let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.add(file, directory, parent, &syntax.items)
    }

    fn add(&mut self, file: &Path, directory: &Path, parent: Option<usize>, items: &[Item]) -> usize {
        let number = self.modules.len();
        let Names { items: declared, imports, paths, impls, .. } = Names::of(items);
        let file = file.to_owned();
        self.modules.push(Module { file, parent, children: Vec::new(), items: declared, imports, paths, impls });
        for item in items {
            let Item::Mod(module) = item else { continue };
            self.add_child(number, directory, module);
        }
        number
    }

    fn add_child(&mut self, parent: usize, directory: &Path, module: &syn::ItemMod) {
        let file = self.modules[parent].file.clone();
        let name = module.ident.to_string();
        let below = directory.join(&name);
        if let Some((_, items)) = &module.content {
            let child = self.add(&file, &below, Some(parent), items);
            self.modules[parent].children.push((name, child));
            return;
        }
        let beside = file.parent().expect("a file is in a directory");
        let mut files: Vec<PathBuf> = paths_given(&module.attrs).iter().map(|path| beside.join(path)).collect();
        if files.is_empty() {
            let usual = [directory.join(format!("{name}.rs")), below.join("mod.rs")];
            files.extend(usual.into_iter().filter(|file| file.exists()));
        }
        assert!(!files.is_empty(), "{}: no file for `mod {name}`", file.display());
        for file in files {
            let is_usual = file == directory.join(format!("{name}.rs"));
            let inside = if is_usual { &below } else { file.parent().expect("a file is in a directory") };
            let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let child = self.read_file(&file, inside, Some(parent));
            self.modules[parent].children.push((name.clone(), child));
        }
    }
}

/// The files of `#[path = "…"]` and of `#[cfg_attr(…, path = "…")]`, of which there is one for each system.
fn paths_given(attributes: &[syn::Attribute]) -> Vec<String> {
    let text = |meta: &syn::Meta| match meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    };
    let mut found = Vec::new();
    for attribute in attributes {
        found.extend(text(&attribute.meta));
        if attribute.path().is_ident("cfg_attr") {
            let list = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
            found.extend(attribute.parse_args_with(list).expect("a condition and attributes").iter().filter_map(text));
        }
    }
    found
}
