//! Lines with their numbers, and the numbers in them.

use super::problem::Problem;

/// The lines of a file, one after the other.
pub struct Lines<'a> {
    rest: &'a [u8],
    /// The number of the line that was returned last, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    /// Returns the lines of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, number: 0 }
    }

    /// Returns the next line, without its end and without space around it.
    pub fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = &self.rest[end.map_or(self.rest.len(), |end| end + 1)..];
        self.number += 1;
        Some(line.trim_ascii())
    }

    /// Returns the problem that the last line is.
    pub fn wrong(&self, what: impl Into<String>) -> Problem {
        Problem::Line { line: self.number, what: what.into() }
    }

    /// Returns the problem that there is no other line.
    pub fn truncated(&self) -> Problem {
        Problem::Truncated(self.number)
    }
}

/// Returns a text for a message: its beginning, with marks for what cannot be shown.
pub fn shown(text: &[u8]) -> String {
    let beginning = &text[..text.len().min(60)];
    format!("'{}{}'", beginning.escape_ascii(), if text.len() > beginning.len() { "…" } else { "" })
}

/// Returns a decimal number.
pub fn decimal(text: &[u8]) -> Option<u64> {
    number(text, 10)
}

/// Returns a hexadecimal number, with `0x` or without.
pub fn hexadecimal(text: &[u8]) -> Option<u64> {
    number(text.strip_prefix(b"0x").unwrap_or(text), 16)
}

fn number(text: &[u8], base: u32) -> Option<u64> {
    // Rust's parser takes a sign.
    if !text.first()?.is_ascii_alphanumeric() {
        return None;
    }
    u64::from_str_radix(str::from_utf8(text).ok()?, base).ok()
}
