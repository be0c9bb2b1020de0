//! A value for an allocator's option, and the variable that holds it.

use super::OWN;
use anyhow::{Result, bail};
use std::ffi::OsString;
use xalloc_layers::Allocator;
use xalloc_options::{Kind, Problem};

/// An option and its value, from `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The option's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Setting {
    /// Reads `KEY=VALUE`, or `KEY:VALUE` as some allocators have it.
    ///
    /// # Errors
    /// The text has another form.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(['=', ':']) {
            Some((name, value)) if !name.is_empty() => Ok(Self { name: name.into(), value: value.into() }),
            _ => Err("it is written KEY=VALUE".into()),
        }
    }

    /// Refuses a value that our own library would not accept.
    fn check_own(&self) -> Result<()> {
        let text = format!("{}:{}", self.name, self.value);
        let mut refused = None;
        xalloc_options::parse(text.as_bytes(), |option| {
            if let Err(Problem::BadValue(setting, ..)) = option {
                refused = Some(setting);
            }
        });
        let Some(setting) = refused else { return Ok(()) };
        let taken = match &setting.kind {
            Kind::Count => "a number from 0 on".to_owned(),
            Kind::Size => "a number of bytes, or one with K, M or G behind it".to_owned(),
            Kind::Destination => {
                "true, false, or a path that begins with /, in which % is followed by p, e or %".to_owned()
            }
            kind => xalloc_options::words(kind).join(", "),
        };
        bail!("option '{}' of xalloc takes {taken}, not '{}'", self.name, self.value)
    }

    /// Returns the variable from which the allocator reads the option, and its value with this option as the last one, because
    /// the last one counts. `before` returns the value that a variable has now.
    ///
    /// # Errors
    /// The allocator has no such option, or the option does not take the value.
    pub fn in_environment(
        &self,
        allocator: &Allocator,
        before: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(String, OsString)> {
        let assignment = allocator.environment_for(&self.name, &self.value)?;
        if allocator.name == OWN {
            self.check_own()?;
        }
        let held = before(&assignment.variable).filter(|_| allocator.holds_several(&assignment.variable));
        let held = held.unwrap_or_default();
        let held = held.to_string_lossy();
        let others = held.split(',').filter(|option| !option.is_empty() && *option != assignment.text);
        let all: Vec<&str> = others.chain([assignment.text.as_str()]).collect();
        Ok((assignment.variable, all.join(",").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_written_either_way() {
        let setting = |name: &str, value: &str| Setting { name: name.into(), value: value.into() };
        assert_eq!(Setting::parse("thp=never"), Ok(setting("thp", "never")));
        assert_eq!(Setting::parse("thp:never"), Ok(setting("thp", "never")));
        assert_eq!(Setting::parse("a=b:c"), Ok(setting("a", "b:c")));
        assert!(Setting::parse("thp").is_err() && Setting::parse("=x").is_err());
    }
}
