//! `xalloc layers`: its transcripts, and the examples of its documentation.

use std::path::Path;
use xalloc_layers::{Catalogue, Composer, Directories, Toolchain};

#[test]
fn transcripts() {
    // The user's own layers would show up in the lists.
    let nowhere = "/nonexistent";
    trycmd::TestCases::new().env("XDG_CONFIG_HOME", nowhere).env("HOME", nowhere).case("tests/transcripts/layers/*.md");
}

/// The examples of docs/layers.md, each under the path that its first line names.
#[test]
fn the_examples_of_the_documentation_are_layers() {
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/layers.md");
    let documentation = std::fs::read_to_string(documentation).expect("there is docs/layers.md");
    let root = tempfile::tempdir().expect("a directory");
    for block in documentation.split("```yaml\n# ").skip(1) {
        let (path, text) = block.split_once('\n').expect("a path in the first line");
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("can be made");
        std::fs::write(path, text.split("```").next().unwrap_or_default()).expect("can be written");
    }
    let catalogue = Catalogue::with(Directories::of(root.path()));
    let toolchain = Toolchain::read(&root.path().join("toolchain.yaml")).expect("a toolchain file");
    let mut layers = toolchain.layers;
    layers.truncate(3);
    layers.extend(["stdlib/ours", "allocator/ours"].map(|text| text.parse().expect("a layer")));
    layers[4].options = [("decay", "5"), ("quiet", "0")].map(|(name, value)| (name.into(), value.into())).into();
    let composer = Composer::new(catalogue).variable("toolchain_root", &toolchain.variables["toolchain_root"]);
    let composition = composer.compose(&layers).expect("they stand together");
    assert!(composition.link_flags.contains(&"-L/opt/llvm-18/lib".to_owned()));
    assert_eq!(composition.runtime_environment["OURS_CONF"], "decay:5");
}
