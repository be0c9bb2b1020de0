//! Code, comments and pages use the words that CONTRIBUTING.md gives for a thing, and not those beside them.

use std::path::{Path, PathBuf};
use xalloc_tests::checkout;

/// Where words are looked at, with all that is below.
const PLACES: [&str; 12] = [
    "README.md",
    "CHANGELOG.md",
    "build.rs",
    "src",
    "crates",
    "docs",
    "examples",
    "exports",
    "benches",
    "scripts",
    "packaging",
    "tests/fixtures",
];

/// How many words the mark `…` in a phrase stands for at most.
const GAP: usize = 3;

#[test]
fn only_the_words_of_the_list_are_used() {
    let phrases = phrases();
    assert!(phrases.len() > 10, "the list in CONTRIBUTING.md is not understood: {phrases:?}");
    let mut problems = Vec::new();
    for path in PLACES.iter().flat_map(|place| files(&checkout().join(place))) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let words = words(&text);
        for (at, (line, _)) in words.iter().enumerate() {
            for (phrase, better) in &phrases {
                if is_at(phrase, &words[at..]) {
                    problems.push(format!("{}:{line}: {}: write: {better}", path.display(), phrase.join(" ")));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The phrases of the list that are not to be used, and what is to be used instead.
fn phrases() -> Vec<(Vec<String>, String)> {
    let text = std::fs::read_to_string(checkout().join("CONTRIBUTING.md")).expect("it is there");
    let rows =
        text.lines().skip_while(|line| *line != "| write | not |").skip(2).take_while(|line| line.starts_with('|'));
    let columns = rows.filter_map(|row| row.trim_matches('|').split_once('|'));
    columns
        .flat_map(|(better, phrases)| {
            // What stands between two backticks is every second part.
            let phrases = phrases.split('`').skip(1).step_by(2);
            phrases.map(|phrase| (phrase.split(' ').map(str::to_owned).collect(), better.trim().to_owned()))
        })
        .collect()
}

/// Returns the words of `text` in lower case, each with its line. An identifier is as many words as it is made of. Punctuation,
/// which ends a phrase, is an empty word; the marks of comments and quotes are none.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let mut before = ' ';
        for letter in text.chars() {
            let begins = !before.is_alphabetic() || before.is_lowercase() && letter.is_uppercase();
            match words.last_mut() {
                Some((_, word)) if letter.is_alphabetic() && !begins => word.extend(letter.to_lowercase()),
                _ if letter.is_alphabetic() => words.push((line, letter.to_lowercase().collect())),
                _ if letter.is_whitespace() || "_-'`\"/*#!".contains(letter) => {}
                _ => words.push((line, String::new())),
            }
            before = letter;
        }
    }
    words
}

/// Whether `words` begin with `phrase`.
fn is_at(phrase: &[String], words: &[(usize, String)]) -> bool {
    match phrase {
        [] => true,
        [gap, rest @ ..] if gap == "…" => {
            let between = words.iter().take(GAP).take_while(|(_, word)| !word.is_empty()).count();
            (0..=between).any(|skipped| is_at(rest, &words[skipped..]))
        }
        [first, rest @ ..] => words.first().is_some_and(|(_, word)| word == first) && is_at(rest, &words[1..]),
    }
}

/// The file at `place`, or all that are below it, without those that a build has made.
fn files(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = std::fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display())).flatten();
    entries.filter(|entry| entry.file_name() != "target").flat_map(|entry| files(&entry.path())).collect()
}
