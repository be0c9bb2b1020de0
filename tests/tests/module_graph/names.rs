//! What a module declares, imports and names, without the modules between braces in it.

use proc_macro2::{Span, TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::{self, Visit};
use syn::{Expr, ImplItem, Item, UseTree, Visibility};

/// A path in the code, such as `super::report::Entry`.
#[derive(Clone)]
pub struct Name {
    pub segments: Vec<String>,
    pub line: usize,
}

impl Name {
    pub fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// One name that a `use` declaration brings into the module.
pub struct Import {
    /// What it stands for; for `use path::*`, the path.
    pub path: Name,
    /// What it is called here; none of `use path::*`.
    pub name: Option<String>,
    /// Whether others see it too: `pub use`, which passes a name on and does not use it.
    pub is_reexport: bool,
}

/// An `impl` block: what it gives a type, and what of the type it uses.
pub struct Impl {
    /// The type, as the block names it.
    pub of: Vec<String>,
    /// Whether it is a trait's: a function of the type's own with the same name comes before it in a call.
    pub is_trait: bool,
    /// Its functions and constants.
    pub members: BTreeSet<String>,
    /// What it uses through `self.` and `Self::`: functions and constants of the type, in whichever block.
    pub uses: Vec<Name>,
}

#[derive(Default)]
pub struct Names {
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    pub paths: Vec<Name>,
    pub impls: Vec<Impl>,
    /// The `impl` blocks that are being read, from the outermost one on.
    open: Vec<Impl>,
}

impl Names {
    pub fn of(items: &[Item]) -> Self {
        let mut names = Self::default();
        for item in items {
            names.items.extend(declared(item));
            names.visit_item(item);
        }
        names
    }

    fn import(&mut self, tree: &UseTree, before: &[String], is_reexport: bool) {
        let path = |last: &syn::Ident| {
            let own = (last != "self").then(|| last.to_string());
            Name { segments: before.iter().cloned().chain(own).collect(), line: line(last.span()) }
        };
        let mut add = |path: Name, name| self.imports.push(Import { path, name, is_reexport });
        match tree {
            UseTree::Path(tree) => {
                let before: Vec<String> = before.iter().cloned().chain([tree.ident.to_string()]).collect();
                self.import(&tree.tree, &before, is_reexport);
            }
            UseTree::Name(tree) => {
                let path = path(&tree.ident);
                let name = path.segments.last().cloned();
                add(path, name);
            }
            UseTree::Rename(tree) => add(path(&tree.ident), Some(tree.rename.to_string())),
            UseTree::Glob(tree) => {
                let line = line(tree.star_token.spans[0]);
                add(Name { segments: before.to_vec(), line }, None);
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, before, is_reexport)),
        }
    }

    /// Notes that the `impl` block that is being read, if one is, uses a function or a constant of its type.
    fn member(&mut self, name: &syn::Ident) {
        if let Some(block) = self.open.last_mut() {
            block.uses.push(Name { segments: vec![name.to_string()], line: line(name.span()) });
        }
    }

    /// The methods that the arguments of a macro call on `self`: `self.name(`.
    fn method_tokens(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for window in tokens.windows(4) {
            if let [TokenTree::Ident(this), TokenTree::Punct(dot), TokenTree::Ident(name), TokenTree::Group(_)] = window
                && this == "self"
                && dot.as_char() == '.'
            {
                self.member(name);
            }
        }
    }

    /// The paths in the arguments of a macro, which no parser knows the grammar of: words with `::` between them.
    fn tokens(&mut self, tokens: TokenStream) {
        self.method_tokens(&tokens);
        let mut path: Option<Name> = None;
        let mut before = ' ';
        for token in tokens {
            match token {
                TokenTree::Ident(word) => match &mut path {
                    Some(path) if before == ':' => path.segments.push(word.to_string()),
                    _ => {
                        self.paths.extend(path.take());
                        // After a dot stands a method or a field.
                        let name = || Name { segments: vec![word.to_string()], line: line(word.span()) };
                        path = (before != '.').then(name);
                    }
                },
                TokenTree::Punct(mark) => {
                    before = mark.as_char();
                    if before != ':' {
                        self.paths.extend(path.take());
                    }
                    continue;
                }
                TokenTree::Group(group) => {
                    self.paths.extend(path.take());
                    self.tokens(group.stream());
                }
                TokenTree::Literal(_) => self.paths.extend(path.take()),
            }
            before = ' ';
        }
        self.paths.extend(path);
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(of) = &*item.self_ty else { return visit::visit_item_impl(self, item) };
        self.open.push(Impl {
            of: of.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
            is_trait: item.trait_.is_some(),
            members: item.items.iter().filter_map(member).collect(),
            uses: Vec::new(),
        });
        visit::visit_item_impl(self, item);
        self.impls.extend(self.open.pop());
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if is_self(&call.receiver) {
            self.member(&call.method);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let [first, second, ..] = &path.segments.iter().collect::<Vec<_>>()[..]
            && first.ident == "Self"
        {
            self.member(&second.ident);
        }
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let first = path.segments.first().map_or_else(Span::call_site, |segment| segment.ident.span());
        self.paths.push(Name { segments, line: line(first) });
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }

    /// `pub(super)` says who may see it, and uses nobody.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    /// The argument of an attribute is no code.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    /// A module between braces is a module of its own.
    fn visit_item_mod(&mut self, _: &'ast syn::ItemMod) {}
}

/// The name of what an item declares, apart from modules and imports.
fn declared(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// The name of a function or a constant in an `impl` block.
fn member(item: &ImplItem) -> Option<String> {
    match item {
        ImplItem::Const(item) => Some(item.ident.to_string()),
        ImplItem::Fn(item) => Some(item.sig.ident.to_string()),
        _ => None,
    }
}

/// Whether an expression is `self`, or what it refers to.
fn is_self(expression: &Expr) -> bool {
    match expression {
        Expr::Path(path) => path.path.is_ident("self"),
        Expr::Paren(inner) => is_self(&inner.expr),
        Expr::Reference(inner) => is_self(&inner.expr),
        Expr::Unary(inner) => matches!(inner.op, syn::UnOp::Deref(_)) && is_self(&inner.expr),
        _ => false,
    }
}

fn line(span: Span) -> usize {
    span.start().line
}
