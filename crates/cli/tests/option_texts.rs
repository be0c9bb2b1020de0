//! The texts of `XALLOC_CONF`'s options stand in crates/options/src/table.rs. What other files say of the options is generated
//! from that table and checked in; here it is compared. With `BLESS=1` in the environment, it is written instead.

use std::path::PathBuf;
use xalloc_layers::{AllocatorOption, Number};
use xalloc_options::{Kind, OPTIONS, Setting, words};

/// What stands in the line above a generated part, and in the line below it.
const BEGIN: &str =
    "generated: from crates/options/src/table.rs, by `BLESS=1 cargo test -p xalloc-cli --test option_texts`";
const END: &str = "generated: until here";

#[test]
fn the_table_in_the_documentation() {
    let heading = "| option | values | default | what it does |\n|---|---|---|---|\n";
    let rows: String = OPTIONS.iter().map(row).collect();
    check("docs/options.md", &format!("\n{heading}{rows}\n"));
}

#[test]
fn the_options_in_the_layer() {
    let options: String = OPTIONS.iter().map(layer_option).collect();
    check("crates/layers/builtin/allocator/xalloc.yaml", &format!("options:\n{options}"));
}

/// A row of the table in docs/options.md.
fn row(setting: &Setting) -> String {
    let quoted: Vec<String> = known_words(setting).iter().map(|word| format!("`{word}`")).collect();
    let values = match setting.kind {
        Kind::Count => "a number".to_owned(),
        Kind::Size => "a size".to_owned(),
        Kind::Destination => format!("{}, a path", quoted.join(", ")),
        Kind::Switch | Kind::Choice(_) => quoted.join(", "),
    };
    format!("| `{}` | {values} | `{}` | {} |\n", setting.name, setting.default, setting.help.replace('|', "\\|"))
}

fn known_words(setting: &Setting) -> &'static [&'static str] {
    if setting.kind == Kind::Destination { words(&Kind::Switch) } else { words(&setting.kind) }
}

/// An entry of the layer's `options`.
fn layer_option(setting: &Setting) -> String {
    let option = AllocatorOption {
        description: setting.help.to_owned(),
        variable: "XALLOC_CONF".to_owned(),
        key: Some(setting.name.to_owned()),
        default: Some(setting.default.to_owned()),
        values: words(&setting.kind).iter().map(ToString::to_string).collect(),
        number: (setting.kind == Kind::Count).then(Number::default),
    };
    let text =
        serde_saphyr::to_string(&[(setting.name, option)].into_iter().collect::<std::collections::BTreeMap<_, _>>());
    text.expect("texts can be written").lines().map(|line| format!("  {line}\n")).collect()
}

/// Compares the generated part of `file` with `text`, or replaces it.
fn check(file: &str, text: &str) {
    let path: PathBuf = xalloc_tests::checkout().join(file);
    let whole = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let begin = whole.find(BEGIN).unwrap_or_else(|| panic!("{file} has no line: {BEGIN}"));
    let start = begin + whole[begin..].find('\n').expect("its end") + 1;
    let last = start + whole[start..].find(END).unwrap_or_else(|| panic!("{file} has no line: {END}"));
    let end = whole[..last].rfind('\n').expect("a line before") + 1;
    if whole[start..end] == *text {
        return;
    }
    assert!(
        std::env::var_os("BLESS").is_some(),
        "{file} is not what crates/options/src/table.rs says. Run it again with BLESS=1"
    );
    std::fs::write(&path, whole[..start].to_owned() + text + &whole[end..]).expect("the file can be written");
}
