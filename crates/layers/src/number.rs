//! The numbers that an option takes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A range of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The smallest number; 0 if the file does not say.
    #[serde(default)]
    pub least: i64,
    /// The largest number, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
    /// Whether decimal fractions are allowed.
    #[serde(default)]
    pub decimals: bool,
}

impl Number {
    /// Returns whether `text` is one of these numbers.
    pub fn takes(&self, text: &str) -> bool {
        // Allocators read digits only: no plus sign, no exponent, no words such as "inf".
        let is_written_so = text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        let in_range = |number: f64| number >= self.least as f64 && self.most.is_none_or(|most| number <= most as f64);
        match text.parse::<f64>() {
            Ok(number) if is_written_so && self.decimals => in_range(number),
            // It is compared as a whole number, however it is rounded: allocators have 64 bits for it.
            Ok(number) if is_written_so => {
                in_range(number) && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok())
            }
            _ => false,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.decimals { "a number" } else { "a whole number" };
        match self.most {
            Some(most) => write!(formatter, "{kind} from {} to {most}", self.least),
            None => write!(formatter, "{kind} from {} on", self.least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_allocators_read() {
        let count = Number::default();
        assert!(["0", "1000", "18446744073709551615"].iter().all(|text| count.takes(text)));
        assert!(
            !["", "-1", "1.5", "abc", "1k", "+1", " 1", "1e3", "inf", "18446744073709551616"]
                .iter()
                .any(|text| count.takes(text))
        );
        let decay = Number { least: -1, ..count };
        assert!(decay.takes("-1") && !decay.takes("-2") && !decay.takes("--1"));
        let rate = Number { most: Some(10), decimals: true, ..count };
        assert!(rate.takes("1.5") && rate.takes("10") && !rate.takes("10.1") && !rate.takes("nan"));
        assert_eq!(rate.to_string(), "a number from 0 to 10");
        assert_eq!(decay.to_string(), "a whole number from -1 on");
    }
}
