//! Versions of compilers.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// A version: numbers separated by dots, which are compared one by one, so that 9 is before 18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The numbers without zeros at the end, so that 18 is 18.0.
    numbers: Vec<u32>,
    text: String,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let mut numbers = numbers.map_err(|_| format!("'{text}' is no version: numbers between dots, as in 18.1.8"))?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Ok(Self { numbers, text: text.to_owned() })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl Version {
    /// Returns whether this version is `least` or a later one.
    pub fn is_at_least(&self, least: &Version) -> bool {
        self.numbers >= least.numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_numbers_not_letters() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("18").is_at_least(&version("9.5")));
        assert!(version("18").is_at_least(&version("18.0.0")));
        assert!(!version("18.1").is_at_least(&version("18.1.8")));
        assert!("18-rc1".parse::<Version>().is_err() && "".parse::<Version>().is_err());
    }
}
