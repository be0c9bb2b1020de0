//! `{{variables}}` in flags and values.

use crate::error::{Error, Problem};
use crate::words::nearest;
use crate::yaml::Text;
use std::collections::BTreeMap;

/// The values of a composition's variables.
pub(crate) struct Variables(pub(crate) BTreeMap<String, String>);

impl Variables {
    /// Returns `text` with its variables replaced. `file` is where it is written.
    pub(crate) fn fill(&self, text: &Text, file: &str) -> Result<String, Error> {
        self.replace(&text.value).map_err(|problem| Error::at(Some(text.place(file)), problem))
    }

    fn replace(&self, text: &str) -> Result<String, Problem> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) =
                after.split_once("}}").ok_or_else(|| Problem::OpenVariable { text: text.to_owned() })?;
            let value = self.0.get(name.trim()).ok_or_else(|| self.unknown(name.trim()))?;
            filled.extend([before, value]);
            rest = after;
        }
        filled.push_str(rest);
        if filled.contains(char::is_control) {
            return Err(Problem::ControlCharacter { text: filled });
        }
        Ok(filled)
    }

    fn unknown(&self, name: &str) -> Problem {
        let names = || self.0.keys().map(String::as_str);
        let known = names().collect::<Vec<_>>().join(", ");
        Problem::UnknownVariable { name: name.to_owned(), known, nearest: nearest(name, names()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(text: &str) -> Result<String, String> {
        let values = [("root", "/opt"), ("platform", "linux-x64"), ("odd", "{{root}}"), ("lines", "a\nb")];
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let text = Text { value: text.to_owned(), line: 3, column: 7 };
        Variables(values.into()).fill(&text, "x.yaml").map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_replaced_once() {
        assert_eq!(replace("-L{{root}}/{{ platform }}/lib").unwrap(), "-L/opt/linux-x64/lib");
        assert_eq!(replace("plain } } { {").unwrap(), "plain } } { {");
        assert_eq!(replace("{{odd}}").unwrap(), "{{root}}");
    }

    #[test]
    fn what_cannot_be_replaced_is_an_error_with_its_place() {
        let error = replace("{{rot}}").unwrap_err();
        assert!(error.starts_with("x.yaml:3:7: unknown variable 'rot': give it a value with --var or under variables; known are lines, odd, "), "{error}");
        assert!(error.contains("; did you mean 'root'?"), "{error}");
        assert_eq!(replace("a{{root").unwrap_err(), "x.yaml:3:7: 'a{{root' has {{ without }}");
        assert!(replace("{{lines}}").unwrap_err().contains("control character"));
    }
}
