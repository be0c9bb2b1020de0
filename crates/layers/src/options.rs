//! The options of allocators.

use crate::number::Number;
use serde::{Deserialize, Serialize};

/// An option that the allocator reads from the environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AllocatorOption {
    /// What it does, in one sentence for the user.
    pub description: String,
    /// The environment variable that holds it.
    pub variable: String,
    /// The key inside the variable, if that holds several options as `key:value,key:value`. Without a key, the variable holds
    /// the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value that holds if the option is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The words that it takes. Without words and numbers, it takes any value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The numbers that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
}

impl AllocatorOption {
    /// Returns the values that it takes, in words; empty if it takes any.
    pub fn accepted(&self) -> String {
        self.values.iter().cloned().chain(self.number.map(|number| number.to_string())).collect::<Vec<_>>().join(", ")
    }

    /// Returns whether it takes `value`.
    pub(crate) fn takes(&self, value: &str) -> bool {
        let takes_any = self.values.is_empty() && self.number.is_none();
        let is_taken = takes_any
            || self.values.iter().any(|known| known == value)
            || self.number.is_some_and(|number| number.takes(value));
        // A comma would begin another option.
        is_taken && !(self.key.is_some() && value.contains(','))
    }
}
