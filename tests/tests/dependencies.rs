//! Who may use whom, and what the library may depend on: read from Cargo, so that a wrong arrow fails here.

use std::collections::BTreeSet;
use std::process::Command;

/// Every crate of the library and those of ours that it may use, from the bottom up.
const LAYERS: &[(&str, &[&str])] = &[
    ("xalloc-os", &[]),
    ("xalloc-options", &[]),
    ("xalloc-heap", &[]),
    ("xalloc-blocks", &["xalloc-os", "xalloc-heap"]),
    ("xalloc-heaps", &["xalloc-os", "xalloc-heap", "xalloc-blocks"]),
    ("xalloc-redirect", &["xalloc-os", "xalloc-heap"]),
    ("xalloc-observe", &["xalloc-os", "xalloc-heap"]),
    ("xalloc", &["xalloc-os", "xalloc-heap", "xalloc-heaps", "xalloc-redirect", "xalloc-observe", "xalloc-options"]),
    ("xalloc-prefixed", &["xalloc-os", "xalloc-heaps", "xalloc-redirect"]),
    ("xalloc-global", &["xalloc-heap", "xalloc-heaps", "xalloc-redirect"]),
    ("xalloc-pow2", &["xalloc-heaps", "xalloc-redirect"]),
    ("tailored-heap", &["xalloc-heaps", "xalloc-redirect"]),
    ("special-thread", &["xalloc-heaps", "xalloc-redirect"]),
    ("my-heap", &["xalloc-os", "xalloc-redirect"]),
    ("cached-heap", &["xalloc-os", "xalloc-heap", "xalloc-blocks", "xalloc-redirect"]),
    ("global-allocator", &["xalloc-global"]),
    ("observed-heap", &["xalloc-heap", "xalloc-heaps", "xalloc-redirect"]),
];

/// Crates that are not in the library: they may use any crate of others, and of ours only those named here.
const TOOLS: &[(&str, &[&str])] = &[
    ("xalloc-cli", &["xalloc-options", "xalloc-layers", "xalloc-observe", "xalloc-profile"]),
    ("xalloc-layers", &[]),
    ("xalloc-profile", &[]),
    ("xalloc-check", &[]),
    ("shared-arena", &["xalloc-blocks"]),
];

/// What the library may use of others, in any of its crates.
const OTHERS: &[&str] = &["libc", "spin", "ctor", "cc"];

/// The packages that `package` needs, not only directly, as `cargo tree` names them.
fn needs(package: &str, depth: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(["--depth", depth])
        .current_dir(xalloc_tests::checkout())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn crates_use_only_those_below_them() {
    for (package, allowed) in LAYERS {
        for needed in needs(package, "1") {
            let known = allowed.contains(&needed.as_str()) || OTHERS.contains(&needed.as_str());
            assert!(known, "{package} uses {needed}");
        }
    }
}

#[test]
fn tools_use_only_what_they_may() {
    for (package, allowed) in TOOLS {
        for needed in needs(package, "1").iter().filter(|needed| needed.starts_with("xalloc")) {
            assert!(allowed.contains(&needed.as_str()), "{package} uses {needed}");
        }
    }
}

/// A crate that nobody gave a place above would be checked by nobody.
#[test]
fn every_crate_has_its_place() {
    for folder in ["crates", "examples"] {
        for entry in std::fs::read_dir(xalloc_tests::checkout().join(folder)).expect("a directory") {
            let manifest = entry.expect("an entry").path().join("Cargo.toml");
            let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
            let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
            let name = name.unwrap_or_else(|| panic!("{} has no name", manifest.display()));
            let mut placed = LAYERS.iter().chain(TOOLS).map(|(package, _)| *package);
            assert!(placed.any(|package| package == name), "{name} is missing in LAYERS and TOOLS");
        }
    }
}

#[test]
fn the_library_depends_on_nothing_else() {
    let ours: Vec<&str> = LAYERS.iter().map(|(package, _)| *package).collect();
    for needed in needs("xalloc", "99") {
        assert!(OTHERS.contains(&needed.as_str()) || ours.contains(&needed.as_str()), "libxalloc depends on {needed}");
    }
}
