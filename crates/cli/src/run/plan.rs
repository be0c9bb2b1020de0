//! The plan: what is set in the environment for an allocator, and why.

use super::environment::{self, Changes};
use crate::catalogue::{self, Choice, OWN, Setting};
use crate::{descriptors, preload, signals};
use anyhow::{Result, bail, ensure};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use xalloc_layers::{Allocator, Method};

/// Which of the libraries that are preloaded already stay after the allocator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// All of them.
    Everything,
    /// All except those of other allocators.
    NoAllocators,
}

/// The environment with which a program is started.
pub struct Plan {
    /// The allocator, as the user named it.
    pub name: String,
    /// How the allocator gets into the program.
    pub method: Method,
    /// The library that is preloaded first; `None` for the C library's own malloc.
    pub library: Option<PathBuf>,
    /// The variables to set, and to unset.
    pub environment: Changes,
}

impl Plan {
    /// Returns the plan for an allocator.
    ///
    /// # Errors
    /// If it cannot be used in this way, or has no such option; [`NotFound`](catalogue::NotFound) if there is no library for
    /// the proxy.
    pub fn new(choice: &Choice, method: Method, settings: &[Setting], behind: Behind) -> Result<Self> {
        let method = method_of(choice, method)?;
        let proxy = (method == Method::Proxy).then(|| catalogue::choose(OWN)).transpose()?;
        let found = proxy.iter().chain([choice]).filter_map(|choice| choice.library.as_ref());
        let libraries: Vec<PathBuf> = found.map(|found| found.path.clone()).collect();
        let proxy = proxy.and_then(|proxy| proxy.allocator);
        let mut plan = Self {
            name: choice.name.clone(),
            method,
            library: libraries.first().cloned(),
            environment: Changes::new(),
        };
        plan.preload(&libraries, behind)?;
        if let Some(xalloc) = &proxy {
            plan.set(xalloc, &Setting { name: "heap".into(), value: "system".into() })?;
        }
        if let Some(allocator) = choice.allocator.as_ref().filter(|_| !libraries.is_empty()) {
            let beside = catalogue::beside_preload(allocator)?;
            plan.environment.extend(beside.into_iter().map(|(name, value)| (name, Some(value.into()))));
        }
        for setting in settings {
            plan.set_somewhere(choice, proxy.as_ref(), setting)?;
        }
        Ok(plan)
    }

    /// Returns the command that starts a program with its arguments, in this environment. Signals and the standard descriptors
    /// are as this command found them.
    pub fn command(&self, words: &[OsString]) -> Command {
        let (program, rest) = words.split_first().expect("clap demands a program");
        let mut command = Command::new(program);
        command.args(rest);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        signals::inherit(&mut command);
        descriptors::inherit(&mut command);
        command
    }

    /// Returns the plan in words.
    pub fn description(&self) -> String {
        let word = |(name, value): (&String, &Option<OsString>)| match value {
            Some(value) => format!(" {name}={}", value.display()),
            None => format!(" without {name}"),
        };
        let all: String = self.environment.iter().map(word).collect();
        format!("{} by {}:{}", self.name, self.method, if all.is_empty() { " nothing to set" } else { &all })
    }

    fn preload(&mut self, libraries: &[PathBuf], behind: Behind) -> Result<()> {
        if libraries.is_empty() || behind == Behind::NoAllocators {
            self.environment = environment::without_allocators()?;
        }
        if libraries.is_empty() {
            if behind == Behind::NoAllocators {
                self.environment.extend(environment::without_options()?);
            }
            return Ok(());
        }
        let paths: Vec<&Path> = libraries.iter().map(PathBuf::as_path).collect();
        for path in &paths {
            preload::check_path(path)?;
        }
        let value = match behind {
            Behind::Everything => preload::value(&paths),
            Behind::NoAllocators => preload::before(&paths, environment::preloaded_besides_allocators()?),
        };
        self.environment.insert(preload::variable().into(), Some(value));
        Ok(())
    }

    /// Sets an option of the allocator, or of the proxy before it.
    fn set_somewhere(&mut self, choice: &Choice, proxy: Option<&Allocator>, setting: &Setting) -> Result<()> {
        let own = choice.allocator.as_ref();
        let knows = |allocator: &&Allocator| allocator.options.contains_key(&setting.name);
        match own.filter(knows).or(proxy.filter(knows)).or(own) {
            Some(allocator) => self.set(allocator, setting),
            None => {
                bail!("options of {} are not known here; set what it reads in the environment instead", choice.name)
            }
        }
    }

    fn set(&mut self, allocator: &Allocator, setting: &Setting) -> Result<()> {
        let before = |variable: &str| match self.environment.get(variable) {
            Some(planned) => planned.clone(),
            None => std::env::var_os(variable),
        };
        let (variable, value) = setting.in_environment(allocator, before)?;
        self.environment.insert(variable, Some(value));
        Ok(())
    }
}

/// Returns the method that is meant, if the allocator can get into a finished program in this way.
fn method_of(choice: &Choice, wanted: Method) -> Result<Method> {
    let is_system = choice.library.is_none();
    match wanted {
        Method::Auto if is_system => return Ok(Method::None),
        Method::Auto => return Ok(Method::LdPreload),
        Method::Proxy => {
            ensure!(
                choice.name != OWN,
                "the proxy is xalloc itself; name the allocator that it is to stand in front of"
            );
            let passes_to_others = cfg!(target_os = "linux");
            ensure!(
                passes_to_others || is_system,
                "here libxalloc passes through to the system's malloc only (-a system)"
            );
        }
        Method::Link => bail!(
            "linking is decided when a program is built: xalloc layers compose --layers …,allocator/{} --method link gives the flags",
            choice.name
        ),
        Method::None => {
            ensure!(is_system, "method none is for the system's malloc (-a {})", catalogue::SYSTEM);
        }
        Method::LdPreload => {
            ensure!(!is_system, "the system's malloc is there without a preload");
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str, library: &str, method: Method, settings: &[&str]) -> Result<Plan> {
        let library = catalogue::Found { path: library.into(), soname: None };
        let allocator = xalloc_layers::Catalogue::builtin().allocator(name).unwrap();
        let choice = Choice { name: name.into(), allocator: Some(allocator), library: Some(library) };
        let settings: Vec<_> = settings.iter().map(|text| Setting::parse(text).unwrap()).collect();
        Plan::new(&choice, method, &settings, Behind::Everything)
    }

    #[test]
    fn options_of_one_variable_are_joined() {
        let plan = plan("jemalloc", "/l/libjemalloc.so.2", Method::Auto, &["narenas=4", "tcache:false"]).unwrap();
        assert_eq!(plan.environment["MALLOC_CONF"].as_deref(), Some("narenas:4,tcache:false".as_ref()));
        assert_eq!(plan.method, Method::LdPreload);
    }

    #[test]
    fn what_cannot_be_says_why() {
        let refusal = |method| plan("jemalloc", "/l/libjemalloc.so.2", method, &[]).err().unwrap();
        assert!(format!("{:#}", refusal(Method::Link)).contains("layers compose"));
        assert!(format!("{:#}", refusal(Method::None)).contains("-a system"));
        let blank = plan("jemalloc", "/a b/libjemalloc.so.2", Method::Auto, &[]).err().unwrap();
        assert!(blank.to_string().contains("blank"), "{blank}");
        let wrong = plan("jemalloc", "/l/libjemalloc.so.2", Method::Auto, &["narena=4"]).err().unwrap();
        assert!(wrong.to_string().contains("did you mean 'narenas'"), "{wrong}");
    }
}
