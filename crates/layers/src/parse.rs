//! Reads the words of the layers' grammar, and says which words there are.

use crate::error::Problem;
use crate::words::{Kind, Method, System, nearest};
use serde::{Deserialize, Deserializer, de};
use std::fmt::Display;
use std::str::FromStr;
use strum::VariantArray;

/// Returns the word of `T` that `text` is. `what` says in the error what was expected.
pub(crate) fn parse<T: FromStr + VariantArray + Display>(what: &'static str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| {
        let words: Vec<_> = T::VARIANTS.iter().map(ToString::to_string).collect();
        let nearest = nearest(text, words.iter().map(String::as_str));
        Problem::UnknownWord { what, word: text.to_owned(), words: words.join(", "), nearest }
    })
}

impl Kind {
    /// Returns the type of layer that `text` names.
    ///
    /// # Errors
    /// [`Problem::UnknownWord`], with all types.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        parse("layer type", text)
    }
}

impl Method {
    /// Returns the method that `text` names.
    ///
    /// # Errors
    /// [`Problem::UnknownWord`], with all methods.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        parse("method", text)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for System {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse("system", &String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for kind in Kind::VARIANTS {
            assert_eq!(Kind::parse(&kind.to_string()), Ok(*kind));
        }
        for method in Method::VARIANTS {
            assert_eq!(Method::parse(&method.to_string()), Ok(*method));
        }
        assert_eq!(serde_json::to_string(&Method::LdPreload).unwrap(), "\"ld_preload\"");
    }

    #[test]
    fn an_unknown_word_is_answered_with_all_and_the_nearest() {
        let error = Method::parse("inject").unwrap_err().to_string();
        assert_eq!(error, "unknown method 'inject'; there are auto, link, ld_preload, proxy, none");
        let error = Method::parse("ld-preload").unwrap_err().to_string();
        assert!(error.ends_with("; did you mean 'ld_preload'?"), "{error}");
    }
}
