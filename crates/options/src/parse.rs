//! The parser of the grammar, `name:value,name:value`.

use crate::nearest::nearest;
use crate::path::is_path;
use crate::setting::{Kind, SWITCH, Setting, known_words};
use crate::table::OPTIONS;

/// The value of an option, as its [`Kind`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The value of a [`Kind::Switch`] or a [`Kind::Destination`].
    Switch(bool),
    /// The value of a [`Kind::Count`].
    Count(usize),
    /// The value of a [`Kind::Size`], in bytes.
    Size(usize),
    /// The value of a [`Kind::Choice`]: one of its words.
    Choice(&'static str),
    /// The value of a [`Kind::Destination`]: a path that [`crate::parts`] can read.
    Path(&'a [u8]),
}

/// The fault in a piece of the configuration.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// No option has this name. With the nearest name, if one is near.
    UnknownName(&'a [u8], Option<&'static str>),
    /// The option does not take this value. With the nearest word, if it takes words and one is near.
    BadValue(&'static Setting, &'a [u8], Option<&'static str>),
    /// The piece has no colon.
    NoValue(&'a [u8]),
}

/// Calls `each` with every option in `text` in order, or with what is wrong with it. Skips blank pieces.
pub fn parse<'a>(text: &'a [u8], mut each: impl FnMut(Result<(&'static Setting, Value<'a>), Problem<'a>>)) {
    for line in text.split(|&byte| byte == b'\n') {
        let line = line.split(|&byte| byte == b'#').next().unwrap_or(line);
        for piece in line.split(|&byte| byte == b',') {
            let piece = piece.trim_ascii();
            if !piece.is_empty() {
                each(parse_piece(piece));
            }
        }
    }
}

fn parse_piece(piece: &[u8]) -> Result<(&'static Setting, Value<'_>), Problem<'_>> {
    let Some(colon) = piece.iter().position(|&byte| byte == b':') else { return Err(Problem::NoValue(piece)) };
    let (name, value) = (piece[..colon].trim_ascii(), piece[colon + 1..].trim_ascii());
    let setting = OPTIONS
        .iter()
        .find(|setting| setting.name.as_bytes() == name)
        .ok_or_else(|| Problem::UnknownName(name, nearest(name, OPTIONS.iter().map(|setting| setting.name))))?;
    match parse_value(&setting.kind, value) {
        Some(value) => Ok((setting, value)),
        None => Err(Problem::BadValue(setting, value, nearest(value, known_words(&setting.kind).iter().copied()))),
    }
}

fn parse_value<'a>(kind: &Kind, value: &'a [u8]) -> Option<Value<'a>> {
    match kind {
        Kind::Switch => SWITCH.iter().find(|word| word.as_bytes() == value).map(|&word| Value::Switch(word == "true")),
        Kind::Destination if is_path(value) => Some(Value::Path(value)),
        Kind::Destination => parse_value(&Kind::Switch, value),
        Kind::Count => parse_number(value).map(Value::Count),
        Kind::Size => parse_size(value).map(Value::Size),
        Kind::Choice(words) => words.iter().find(|word| word.as_bytes() == value).map(|word| Value::Choice(word)),
    }
}

fn parse_number(digits: &[u8]) -> Option<usize> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

/// Bytes, or with a letter behind: 2^10, 2^20, 2^30 of them.
fn parse_size(value: &[u8]) -> Option<usize> {
    let (digits, shift) = match value.split_last()? {
        (b'K' | b'k', digits) => (digits, 10),
        (b'M' | b'm', digits) => (digits, 20),
        (b'G' | b'g', digits) => (digits, 30),
        _ => (value, 0),
    };
    parse_number(digits)?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn all(text: &str) -> Vec<Result<(&'static str, Value<'_>), Problem<'_>>> {
        let mut found = Vec::new();
        parse(text.as_bytes(), |piece| found.push(piece.map(|(setting, value)| (setting.name, value))));
        found
    }

    #[test]
    fn every_default_is_a_value_and_every_name_is_used_once() {
        for (index, setting) in OPTIONS.iter().enumerate() {
            assert!(parse_value(&setting.kind, setting.default.as_bytes()).is_some(), "{}", setting.name);
            assert!(setting.help.ends_with('.'), "{}", setting.name);
            assert!(OPTIONS[..index].iter().all(|other| other.name != setting.name), "{}", setting.name);
        }
    }

    #[test]
    fn reads_options_in_order_with_comments_and_blanks() {
        let text = " heap : system,, verbose:true # the rest, is:a comment\nfail_mapping:12\n\n";
        let expected = [
            Ok(("heap", Value::Choice("system"))),
            Ok(("verbose", Value::Switch(true))),
            Ok(("fail_mapping", Value::Count(12))),
        ];
        assert_eq!(all(text), expected);
    }

    #[test]
    fn a_size_may_have_a_letter() {
        for (text, bytes) in [("65500", 65500), ("64K", 64 << 10), ("2m", 2 << 20), ("1G", 1 << 30), ("0", 0)] {
            assert_eq!(parse_value(&Kind::Size, text.as_bytes()), Some(Value::Size(bytes)), "{text}");
        }
        for text in ["", "K", "64KB", "64 K", "-1K", "1.5M", "99999999999999999999", "99999999999999G"] {
            assert_eq!(parse_value(&Kind::Size, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_destination_is_a_switch_or_a_path() {
        let path = b"/tmp/a:b/%e.%p.%%".as_slice();
        assert_eq!(
            all("stats:/tmp/a:b/%e.%p.%%,stats:true"),
            [Ok(("stats", Value::Path(path))), Ok(("stats", Value::Switch(true)))]
        );
        let setting = OPTIONS.iter().find(|setting| setting.name == "stats").unwrap();
        for (value, near) in [("tru", Some("true")), ("./a", None), ("/tmp/%x", None), ("/tmp/%", None), ("", None)] {
            let text = std::format!("stats:{value}");
            assert_eq!(all(&text), [Err(Problem::BadValue(setting, value.as_bytes(), near))]);
        }
    }

    #[test]
    fn says_what_is_wrong_and_what_was_meant() {
        assert_eq!(all("verbos:true"), [Err(Problem::UnknownName(b"verbos", Some("verbose")))]);
        assert_eq!(all("nonsense:1"), [Err(Problem::UnknownName(b"nonsense", None))]);
        assert_eq!(all("heap"), [Err(Problem::NoValue(b"heap"))]);
        let bad = |name: &str| OPTIONS.iter().find(|setting| setting.name == name).unwrap();
        assert_eq!(all("heap:sytem"), [Err(Problem::BadValue(bad("heap"), b"sytem", Some("system")))]);
        assert_eq!(all("verbose:yes"), [Err(Problem::BadValue(bad("verbose"), b"yes", None))]);
        assert_eq!(all("fail_mapping:-1"), [Err(Problem::BadValue(bad("fail_mapping"), b"-1", None))]);
        assert_eq!(
            all("fail_mapping:99999999999999999999"),
            [Err(Problem::BadValue(bad("fail_mapping"), b"99999999999999999999", None))]
        );
    }
}
