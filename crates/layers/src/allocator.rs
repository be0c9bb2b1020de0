//! Allocator layers: everything that the command knows of an allocator.

use crate::build_layer::check_environment;
use crate::error::{Error, Place, Problem};
use crate::options::AllocatorOption;
use crate::packages::Packages;
use crate::requirements::Conflict;
use crate::words::{Kind, Method, System};
use crate::yaml::{self, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An allocator, as its layer's file describes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Allocator {
    /// Always [`Kind::Allocator`].
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The name, which is also that of the file.
    pub name: String,
    /// The name as its authors write it, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it is, in one sentence.
    pub description: String,
    /// The address of its web page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// What distinguishes it from other allocators.
    #[serde(default)]
    pub characteristics: Characteristics,
    /// The ways in which a program can be made to use it.
    pub integration_methods: Vec<Method>,
    /// How to link it, for the methods that do.
    #[serde(default)]
    pub link: Link,
    /// How to preload it, for the methods that do.
    #[serde(default)]
    pub ld_preload: Preload,
    /// The packages that contain it.
    #[serde(default)]
    pub packages: Packages,
    /// How to build it where there is no package, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The systems on which it runs. A system that is not listed is not supported.
    pub platforms: BTreeMap<System, Support>,
    /// The allocator's own options.
    #[serde(default)]
    pub options: BTreeMap<String, AllocatorOption>,
    /// The layers with which it cannot be combined.
    #[serde(default)]
    pub conflicts_with: Vec<Conflict>,
}

/// What distinguishes an allocator, in its authors' words; none of it was measured here.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Characteristics {
    /// Whether several threads may call it at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_safe: Option<bool>,
    /// Its design.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<String>,
    /// What it can report about a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profiling: Option<String>,
    /// What it does against misuse of the heap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<String>,
    /// The purpose for which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_for: Option<String>,
}

/// How to link a program with an allocator.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The linker's flags, for each system.
    #[serde(default)]
    pub flags: BTreeMap<System, Vec<Text>>,
}

/// How to preload an allocator.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Preload {
    /// The file names that its library may have, best first, for each system.
    #[serde(default)]
    pub files: BTreeMap<System, Vec<String>>,
    /// The variables that are set besides the one that preloads it.
    #[serde(default)]
    pub environment: BTreeMap<String, Text>,
}

/// What is known of an allocator on one system.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// Whether it runs on the system.
    #[serde(default = "yes")]
    pub supported: bool,
    /// The method that [`Method::Auto`] means in a build for the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_method: Option<Method>,
    /// Advice for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

fn yes() -> bool {
    true
}

impl Allocator {
    /// Reads an allocator's file. `file` is its name in error messages.
    pub(crate) fn read(text: &str, file: &str) -> Result<Self, Error> {
        let allocator: Self = yaml::read(text, file)?;
        check_environment(&allocator.ld_preload.environment, file)?;
        let place = Place { file: file.to_owned(), line: 1, column: 1 };
        allocator.check_platforms().map_err(|problem| Error::at(Some(place), problem))?;
        Ok(allocator)
    }

    /// Checks that on every system where it runs, each of its methods has what it needs.
    fn check_platforms(&self) -> Result<(), Problem> {
        let missing = |key, why: String| Err(Problem::MissingKey { key, why });
        for (system, support) in self.platforms.iter().filter(|(_, support)| support.supported) {
            let Some(method) = support.default_method else {
                return missing("default_method", format!("{system} is supported, so it has one"));
            };
            if !self.integration_methods.contains(&method) {
                return Err(self.not_offered(method));
            }
            if self.offers(Method::Link) && !self.link.flags.contains_key(system) {
                return missing("link.flags", format!("{system} is supported, and link is one of the methods"));
            }
            let can_preload = [Method::LdPreload, Method::Proxy].iter().any(|method| self.offers(*method));
            let can_preload = can_preload && system.preload_variable().is_some();
            if can_preload && self.preload_files(*system).is_empty() {
                return missing("ld_preload.files", format!("{system} is supported, and one of the methods preloads"));
            }
        }
        Ok(())
    }

    /// Returns its name as a layer: `allocator/NAME`.
    pub fn layer_name(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Returns the name to show to the user.
    pub fn shown_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }

    /// Returns whether `method` is one of its methods.
    pub fn offers(&self, method: Method) -> bool {
        self.integration_methods.contains(&method)
    }

    /// Returns whether it is the C library's own malloc, which needs no integration.
    pub fn is_system(&self) -> bool {
        self.integration_methods == [Method::None]
    }

    /// Returns the file names that its library may have on `system`, best first.
    pub fn preload_files(&self, system: System) -> &[String] {
        self.ld_preload.files.get(&system).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn not_offered(&self, method: Method) -> Problem {
        let offered: Vec<_> = self.integration_methods.iter().map(ToString::to_string).collect();
        let (layer, method) = (self.layer_name(), method.to_string());
        Problem::MethodNotOffered { layer, method, offered: offered.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "{type: allocator, name: x, description: x, ";

    fn error(rest: &str) -> String {
        Allocator::read(&format!("{HEAD}{rest}}}"), "x.yaml").unwrap_err().to_string()
    }

    #[test]
    fn what_a_method_needs_must_be_there() {
        let linux = "platforms: {linux: {default_method: link}}";
        assert_eq!(
            error(&format!("integration_methods: [link], {linux}")),
            "x.yaml:1:1: key 'link.flags' is missing: linux is supported, and link is one of the methods"
        );
        assert_eq!(
            error(&format!("integration_methods: [ld_preload], {linux}")),
            "x.yaml:1:1: allocator/x has no method link; it has ld_preload"
        );
        assert!(error("integration_methods: [none], platforms: {linux: {}}").contains("'default_method' is missing"));
    }

    #[test]
    fn a_small_allocator_is_enough() {
        let rest = "integration_methods: [link, ld_preload], link: {flags: {linux: [-lx]}}, \
                    ld_preload: {files: {linux: [libx.so]}}, platforms: {linux: {default_method: link}}}";
        let allocator = Allocator::read(&format!("{HEAD}{rest}"), "x.yaml").unwrap();
        assert_eq!(allocator.preload_files(System::Linux), ["libx.so"]);
        assert!(allocator.preload_files(System::Macos).is_empty() && !allocator.is_system());
        assert_eq!(allocator.layer_name(), "allocator/x");
    }
}
