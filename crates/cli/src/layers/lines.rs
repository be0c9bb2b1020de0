//! Facts about a layer, one on each line.

use std::collections::BTreeMap;
use xalloc_layers::Text;

/// Prints one fact, if there is one.
pub fn line(label: &str, text: &str) {
    if !text.is_empty() {
        println!("{label:<20} {text}");
    }
}

/// Returns the texts, separated by spaces.
pub fn words(texts: &[Text]) -> String {
    texts.iter().map(|text| text.value.as_str()).collect::<Vec<_>>().join(" ")
}

/// Prints variables, one on each line.
pub fn variables(label: &str, variables: &BTreeMap<String, Text>) {
    for (name, value) in variables {
        line(label, &format!("{name}={}", value.value));
    }
}
