//! The check itself, on crates made for it.

use crate::circles::problems;
use std::fs;

/// What the check says of a crate of these files.
fn check(files: &[(&str, &str)]) -> Vec<String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().expect("a directory")).expect("writable");
        fs::write(file, text).expect("writable");
    }
    problems(directory.path(), &[directory.path().join("lib.rs")])
}

const LIB: (&str, &str) = ("lib.rs", "mod a;\nmod b;\n");
const TO_A: (&str, &str) = ("b.rs", "pub fn b() { crate::a::a() }\n");

#[test]
fn finds_a_circle_and_says_where_it_is() {
    let found = check(&[LIB, ("a.rs", "use super::b::b;\n\npub fn a() { b() }\n"), TO_A]);
    let lines = [
        "a circle of files: {\"a.rs\", \"b.rs\"}",
        "  a.rs:1 uses b.rs (super::b::b)",
        "  b.rs:1 uses a.rs (crate::a::a)",
    ];
    assert_eq!(found, [lines.join("\n")]);
}

#[test]
fn finds_no_circle_where_all_arrows_go_down() {
    let lib = ("lib.rs", "mod a;\nmod b;\npub use a::a;\npub(crate) use b::b;\npub fn top() { a() }\n");
    let found =
        check(&[lib, ("a.rs", "pub fn a() { println!(\"{}\", super::b()) }"), ("b.rs", "pub fn b() -> u8 { 1 }")]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn finds_every_way_to_name_something() {
    let ways = [
        "use super::b::{self};",
        "use crate::b as other;",
        "use crate::facade::renamed;",
        "use crate::facade::*; pub fn c() { renamed() }",
        "pub use crate::b::b; pub fn c() { b() }",
        "pub fn c() { super::b::b() }",
        "pub fn c() { println!(\"{}\", 1 + crate::b::b()) }",
        "pub fn c(_: &[super::b::Type]) {}",
        "impl crate::b::Type {}",
        "macro_rules! m { () => { $crate::b::b() } }",
        "mod inside { use super::super::b::b; }",
        "#[cfg(test)] mod tests { use crate::b::b; }",
    ];
    let lib = ("lib.rs", "mod a;\nmod b;\nmod facade { pub use crate::b::b as renamed; }\n");
    let b = ("b.rs", "use crate::a::a;\npub struct Type;\npub fn b() {}\n");
    for way in ways {
        let a = format!("{way}\npub fn a() {{}}\n");
        assert_eq!(check(&[lib, ("a.rs", &a), b]).len(), 1, "{way}");
    }
}

/// The files of a type whose methods are in `a.rs` and `b.rs`.
const PARTS: (&str, &str) = ("lib.rs", "mod a;\nmod b;\nmod parts;\npub use parts::Heap;\n");
const HEAP: (&str, &str) = ("parts.rs", "pub struct Heap;\n");
const CALLS_A: (&str, &str) = ("b.rs", "impl crate::Heap {\n    pub fn b(&self) { self.a() }\n}\n");

#[test]
fn finds_a_circle_of_methods_and_says_where_it_is() {
    let a = "use crate::parts::Heap;\n\nimpl Heap {\n    pub fn a(&self) { self.b() }\n}\n";
    let lines =
        ["a circle of files: {\"a.rs\", \"b.rs\"}", "  a.rs:4 uses b.rs (self::b)", "  b.rs:2 uses a.rs (self::a)"];
    assert_eq!(check(&[PARTS, HEAP, ("a.rs", a), CALLS_A]), [lines.join("\n")]);
}

#[test]
fn finds_every_way_to_call_a_method() {
    let ways = [
        "fn c(&self) { (1..2).for_each(|_| self.b()) }",
        "fn c(&self) { assert!(1 == self.b()) }",
        "fn c(&self) { (&*self).b() }",
        "fn c(&self) { Self::b(self) }",
        "fn c(&self) { [1].map(Self::b); }",
        "const C: u8 = Self::b();",
    ];
    for way in ways {
        let a = format!("use crate::Heap as Other;\nimpl Other {{ {way}\n pub fn a(&self) {{}} }}\n");
        assert_eq!(check(&[PARTS, HEAP, ("a.rs", &a), CALLS_A]).len(), 1, "{way}");
    }
    let of_a_trait =
        "impl Clone for crate::Heap { fn clone(&self) -> Self { self.b() } }\nimpl crate::Heap { fn a(&self) {} }";
    assert_eq!(check(&[PARTS, HEAP, ("a.rs", of_a_trait), CALLS_A]).len(), 1);
    let to_a_trait = ("a.rs", "impl A for crate::Heap { fn a(&self) { self.b() } }");
    assert_eq!(check(&[PARTS, HEAP, to_a_trait, CALLS_A]).len(), 1);
}

#[test]
fn a_method_of_another_value_or_type_is_no_arrow() {
    let ways = [
        "use crate::Heap; impl Heap { pub fn a(&self) { self.field.b() } }",
        "use crate::Heap; impl Heap { pub fn a(&self) { self.b.c() } }",
        "use crate::Heap; impl Heap { pub fn a(&self) { self.c(); b() } fn c(&self) {} }",
        "pub struct Heap; impl Heap { pub fn a(&self) { self.b() } }",
        // The type's own comes before the trait's.
        "use crate::Heap; impl Heap { pub fn a(&self) { self.b() } fn b(&self) {} }",
    ];
    let b = "impl B for crate::Heap { fn b(&self) { self.a() } }\n";
    for way in ways {
        assert_eq!(check(&[PARTS, HEAP, ("a.rs", way), ("b.rs", b)]), [""; 0], "{way}");
    }
}

#[test]
fn a_function_may_have_the_name_of_its_module() {
    let lib = ("lib.rs", "mod b;\npub use b::b;\npub fn a() { b() }\n");
    assert_eq!(check(&[lib, ("b.rs", "pub fn b() { super::a() }")]).len(), 1);
    let lib = ("lib.rs", "mod b;\npub fn a(b: u8) -> u8 { b }\n");
    assert_eq!(check(&[lib, ("b.rs", "pub fn b() { super::a(1); }")]), [""; 0]);
}

#[test]
fn a_name_that_is_only_passed_on_or_only_looks_like_a_module_is_no_arrow() {
    let ways = [
        "pub use crate::b::b;",
        "pub(in crate::b) fn c() {}",
        "/// [`crate::b::b`]\npub fn c() {}",
        "pub fn c(b: u8) -> u8 { b }",
        "pub fn c(all: T) { println!(\"{} crate::b::b\", all.b) }",
        "use std::b::b;",
    ];
    for way in ways {
        let a = format!("{way}\npub fn a() {{}}\n");
        assert_eq!(check(&[LIB, ("a.rs", &a), TO_A]), [""; 0], "{way}");
    }
}

#[test]
fn finds_the_files_of_modules_wherever_they_are() {
    let a = "#[cfg_attr(unix, path = \"elsewhere/one.rs\")]\n#[cfg_attr(windows, path = \"two.rs\")]\nmod system;\nmod below;\npub fn a() { system::c(); below::deep::d() }\n";
    let to_a = "pub fn c() { crate::a::a() }\n";
    let files = [
        ("lib.rs", "mod a;"),
        ("a.rs", a),
        ("elsewhere/one.rs", to_a),
        ("two.rs", to_a),
        ("a/below/mod.rs", "pub mod deep;"),
        ("a/below/deep.rs", "pub fn d() { crate::a::a() }"),
    ];
    let found = check(&files);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("{\"a.rs\", \"a/below/deep.rs\", \"elsewhere/one.rs\", \"two.rs\"}"), "{found:?}");
}
