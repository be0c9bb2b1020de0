//! `xalloc layers`: its transcripts, and what its data says of the library's own options.

#![allow(clippy::disallowed_methods, reason = "that list is for what can be reached from malloc")]

use xalloc_layers::Catalogue;
use xalloc_options::{OPTIONS, words};

#[test]
fn transcripts() {
    // The user's own layers would show up in the lists.
    let nowhere = "/nonexistent";
    trycmd::TestCases::new().env("XDG_CONFIG_HOME", nowhere).env("HOME", nowhere).case("tests/transcripts/layers/*.md");
}

#[test]
fn the_layer_of_xalloc_has_the_librarys_options() {
    let layer = Catalogue::builtin().allocator("xalloc").expect("our own layer can be read");
    assert_eq!(layer.options.len(), OPTIONS.len(), "builtin/allocator/xalloc.yaml has an option that is no more");
    for setting in OPTIONS {
        let option = layer.options.get(setting.name).unwrap_or_else(|| panic!("{} is missing there", setting.name));
        assert_eq!((option.variable.as_str(), option.key.as_deref()), ("XALLOC_CONF", Some(setting.name)));
        assert_eq!(option.default.as_deref(), Some(setting.default), "{}", setting.name);
        assert_eq!(option.values, words(&setting.kind), "{}", setting.name);
        assert_eq!(option.description, setting.help, "{}", setting.name);
    }
}
