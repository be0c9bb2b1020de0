//! Reads YAML. Every error has its file, line and column.

use crate::error::{Error, Place, Problem};
use crate::words::nearest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

/// A piece of text, and its place in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The text as written, with its `{{variables}}`.
    pub value: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
}

impl Text {
    /// Returns the place of this text in `file`.
    pub(crate) fn place(&self, file: &str) -> Place {
        Place { file: file.to_owned(), line: self.line, column: self.column }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { line: text.referenced.line(), column: text.referenced.column(), value: text.value })
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// Reads the one document of `text`. `file` is its name in error messages.
pub(crate) fn read<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, Error> {
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map(|location| place(file, location));
        Error::at(place, problem(error.without_snippet()))
    })
}

/// Returns the place of `location` in `file`.
pub(crate) fn place(file: &str, location: Location) -> Place {
    Place { file: file.to_owned(), line: location.line(), column: location.column() }
}

fn problem(error: &serde_saphyr::Error) -> Problem {
    match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => Problem::UnknownKey {
            key: field.clone(),
            keys: expected.clone(),
            nearest: nearest(field, expected.iter().copied()),
        },
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => Problem::RepeatedKey { key: key.clone() },
        serde_saphyr::Error::Unexpected { expected: "sequence start", .. } => {
            Problem::Yaml("a list belongs here, as in [A, B]".to_owned())
        }
        serde_saphyr::Error::Unexpected { expected: "mapping start", .. } => {
            Problem::Yaml("keys with values belong here, as in {A: B}".to_owned())
        }
        other => Problem::Yaml(UserMessageFormatter.format_message(other).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        description: Text,
        #[serde(default)]
        defines: BTreeMap<String, Text>,
        #[serde(default)]
        flags: Vec<Text>,
    }

    fn error(text: &str) -> String {
        read::<Sample>(text, "sample.yaml").unwrap_err().to_string()
    }

    #[test]
    fn text_knows_its_place() {
        let sample: Sample = read("description: x\ndefines:\n  A: 18\n", "sample.yaml").unwrap();
        assert_eq!(sample.description, Text { value: "x".into(), line: 1, column: 14 });
        assert_eq!(sample.defines["A"].place("f").to_string(), "f:3:6");
        assert!(sample.flags.is_empty());
    }

    #[test]
    fn errors_have_file_line_and_column() {
        assert_eq!(
            error("description: x\ndescripton: y\n"),
            "sample.yaml:2:1: unknown key 'descripton'; keys here are description, defines, flags; did you mean 'description'?"
        );
        assert_eq!(
            error("description: x\ndefines:\n  A: 1\n  A: 2\n"),
            "sample.yaml:4:3: key 'A' is given twice; leave one out"
        );
        assert_eq!(error("defines: {}\n"), "sample.yaml:1:1: missing field `description`");
        assert!(error("description: [x\n").starts_with("sample.yaml:1:14: "));
        assert!(error("description: {a: 1}\n").starts_with("sample.yaml:1:14: "));
        assert_eq!(error("description: x\nflags: 3\n"), "sample.yaml:2:8: a list belongs here, as in [A, B]");
        assert_eq!(
            error("description: x\ndefines: 3\n"),
            "sample.yaml:2:10: keys with values belong here, as in {A: B}"
        );
        assert!(error("").starts_with("sample.yaml:1:1: "));
    }
}
