//! An option of an allocator's own.

use crate::number::Number;
use serde::{Deserialize, Serialize};

/// An option that the allocator reads from the environment.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AllocatorOption {
    /// One sentence for the user.
    pub description: String,
    /// The environment variable.
    pub variable: String,
    /// The key inside the variable, if it holds several as `key:value,key:value`; otherwise the variable holds the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What holds if the option is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The words it takes. Any value will do if there are none, and no numbers either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The numbers it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,
}

impl AllocatorOption {
    /// The values it takes, in words; nothing if it takes any.
    pub fn accepted(&self) -> String {
        self.values.iter().cloned().chain(self.number.map(|number| number.to_string())).collect::<Vec<_>>().join(", ")
    }

    /// Whether it takes `value`.
    pub(crate) fn takes(&self, value: &str) -> bool {
        let takes_any = self.values.is_empty() && self.number.is_none();
        let is_taken = takes_any
            || self.values.iter().any(|known| known == value)
            || self.number.is_some_and(|number| number.takes(value));
        // A comma would begin another option.
        is_taken && !(self.key.is_some() && value.contains(','))
    }
}
