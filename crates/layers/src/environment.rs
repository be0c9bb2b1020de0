//! The environment variables that set an allocator's options.

use crate::allocator::Allocator;
use crate::error::Problem;
use crate::words::nearest;
use std::collections::BTreeMap;

/// One variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable's name.
    pub variable: String,
    /// The value, or the text that is added to the value after a comma.
    pub text: String,
}

impl Allocator {
    /// Returns the assignment that sets the option `name` to `value`.
    ///
    /// # Errors
    /// [`Problem::UnknownOption`] and [`Problem::BadValue`].
    pub fn environment_for(&self, name: &str, value: &str) -> Result<Assignment, Problem> {
        let option = self.options.get(name).ok_or_else(|| Problem::UnknownOption {
            layer: self.layer_name(),
            name: name.to_owned(),
            options: self.options.keys().cloned().collect(),
            nearest: nearest(name, self.options.keys().map(String::as_str)),
        })?;
        if !option.takes(value) {
            let accepted = option.accepted();
            return Err(Problem::BadValue {
                layer: self.layer_name(),
                option: name.to_owned(),
                value: value.to_owned(),
                values: if accepted.is_empty() { "one value".into() } else { accepted },
                nearest: nearest(value, option.values.iter().map(String::as_str)),
            });
        }
        let text = option.key.as_ref().map_or(value.to_owned(), |key| format!("{key}:{value}"));
        Ok(Assignment { variable: option.variable.clone(), text })
    }

    /// Returns the assignments for all of `settings`. Options of the same variable are joined by commas, in the order given.
    ///
    /// # Errors
    /// Those of [`Allocator::environment_for`].
    pub fn environment<'a>(
        &self,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let mut environment = BTreeMap::new();
        for (name, value) in settings {
            let assignment = self.environment_for(name, value)?;
            self.set(&mut environment, assignment.variable, &assignment.text);
        }
        Ok(environment)
    }

    /// Returns whether `variable` holds several options, separated by commas.
    pub fn holds_several(&self, variable: &str) -> bool {
        self.options.values().any(|option| option.variable == variable && option.key.is_some())
    }

    /// Sets `variable` to `text`. If the variable holds several options, appends `text` after a comma, because the last one
    /// counts.
    pub fn set(&self, environment: &mut BTreeMap<String, String>, variable: String, text: &str) {
        let holds_several = self.holds_several(&variable);
        let held = environment.entry(variable).or_default();
        if !holds_several {
            held.clear();
        } else if !held.is_empty() {
            held.push(',');
        }
        held.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;

    #[test]
    fn options_of_one_variable_are_joined_and_others_stand_alone() {
        let catalogue = Catalogue::builtin();
        let jemalloc = catalogue.allocator("jemalloc").unwrap();
        let settings = [("background_thread", "true"), ("dirty_decay_ms", "500")];
        let environment = jemalloc.environment(settings).unwrap();
        assert_eq!(environment["MALLOC_CONF"], "background_thread:true,dirty_decay_ms:500");
        let mimalloc = catalogue.allocator("mimalloc").unwrap();
        let environment = mimalloc.environment([("show_stats", "1"), ("verbose", "1")]).unwrap();
        assert_eq!((&*environment["MIMALLOC_SHOW_STATS"], &*environment["MIMALLOC_VERBOSE"]), ("1", "1"));
    }

    #[test]
    fn a_wrong_option_or_value_is_named_with_what_there_is() {
        let jemalloc = Catalogue::builtin().allocator("jemalloc").unwrap();
        let error = jemalloc.environment_for("backgroundthread", "true").unwrap_err().to_string();
        assert!(error.starts_with("allocator/jemalloc has no option 'backgroundthread'; it has "), "{error}");
        assert!(error.ends_with("; did you mean 'background_thread'?"), "{error}");
        let error = jemalloc.environment_for("background_thread", "yes").unwrap_err().to_string();
        assert_eq!(error, "option 'background_thread' of allocator/jemalloc takes true, false, not 'yes'");
        assert!(jemalloc.environment_for("dirty_decay_ms", "5,abort:true").is_err());
        let error = jemalloc.environment_for("dirty_decay_ms", "soon").unwrap_err().to_string();
        assert_eq!(error, "option 'dirty_decay_ms' of allocator/jemalloc takes a whole number from -1 on, not 'soon'");
        let error = jemalloc.environment_for("percpu_arena", "percpus").unwrap_err().to_string();
        assert!(error.ends_with("takes disabled, percpu, phycpu, not 'percpus'; did you mean 'percpu'?"), "{error}");
    }

    /// What a layer calls the default must be a value that its option takes.
    #[test]
    fn every_default_of_ours_is_a_value() {
        let (allocators, _) = Catalogue::builtin().allocators().unwrap();
        for allocator in allocators {
            for (name, option) in &allocator.options {
                let taken =
                    option.default.as_ref().is_none_or(|default| allocator.environment_for(name, default).is_ok());
                assert!(taken, "{} {name}: {option:?}", allocator.name);
            }
        }
    }
}
