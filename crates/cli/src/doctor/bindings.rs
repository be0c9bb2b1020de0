//! Which definition each reference got, according to the loader (glibc's) with `LD_DEBUG=bindings`.
//!
//! There are two sources. Before the run, the loader loads the program and binds everything without starting it, which shows
//! every reference of the program and its libraries. If it is wanted, the loader also logs what it binds while the program
//! runs: in modules that the program opens, and in processes that it starts.

use crate::binary::Binary;
use crate::preload;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The beginning of the names of the loader's files; the process id follows.
const LOG: &str = "bindings";

/// A reference that did not get the preloaded definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Elsewhere {
    /// The name of the function.
    pub name: String,
    /// The file that refers to it.
    pub from: String,
    /// The file whose definition it got.
    pub to: String,
    /// The reason, as far as the loader's log shows it.
    pub why: &'static str,
}

impl Elsewhere {
    /// Returns whether it is an operator of C++ (new, delete), whose other definitions get their memory from malloc.
    pub fn is_operator(&self) -> bool {
        self.name.starts_with("_Z")
    }
}

/// The bindings of the names that the library exports.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bindings {
    /// The names with references in the process itself that all got the library's definition.
    pub proved: BTreeSet<String>,
    /// The references in the process itself that got another definition.
    pub elsewhere: BTreeSet<Elsewhere>,
    /// Whether the run itself was followed too. Only then the members below are known.
    pub followed: bool,
    /// The number of processes that it started and whose loader reported. The loaders of static and privileged programs do not
    /// report.
    pub children: usize,
    /// The number of those processes in which every reference got the library's definition.
    pub children_proved: usize,
    /// The references in those processes that got another definition.
    pub children_elsewhere: BTreeSet<Elsewhere>,
}

/// Collects what loaders report, in a directory of its own.
pub struct Collector<'a> {
    directory: tempfile::TempDir,
    library: &'a Path,
    names: &'a HashSet<String>,
    found: BTreeMap<u32, Process>,
}

/// The report of one process's loader.
#[derive(Default)]
struct Process {
    /// The file and the name of each reference that got the library's definition.
    bound: BTreeSet<(String, String)>,
    elsewhere: BTreeSet<Elsewhere>,
}

impl Process {
    /// Leaves out references that a program passes on. A program at a fixed address that takes a function's address has a stub
    /// for the function, and the stub's address is the function's for everybody. The stub jumps to the definition that the
    /// program's own reference got.
    fn leave_out_what_is_passed_on(&mut self) {
        let bound = &self.bound;
        let passed_on = |it: &Elsewhere| !is_library(&it.to) && bound.contains(&(it.to.clone(), it.name.clone()));
        self.elsewhere.retain(|reference| !passed_on(reference));
    }
}

impl<'a> Collector<'a> {
    /// Returns a collector for references to what `library` exports.
    pub fn new(library: &'a Binary) -> std::io::Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::Builder::new().prefix("xalloc-doctor-").tempdir()?;
        // The program may go on as another user; a loader that cannot write its file writes into the program's output.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o1777))?;
        Ok(Self { directory, library: &library.path, names: &library.exports, found: BTreeMap::new() })
    }

    /// Returns the value for `LD_DEBUG_OUTPUT`.
    pub fn log(&self) -> PathBuf {
        self.directory.path().join(LOG)
    }

    /// Lets the loader bind everything in `program`, without starting it.
    pub fn rehearse(&self, program: &Binary) -> std::io::Result<Rehearsal> {
        let mut command = Command::new(&program.path);
        preload::put_first(&mut command, self.library);
        command.env("LD_TRACE_LOADED_OBJECTS", "1").env("LD_WARN", "1").env("LD_BIND_NOW", "1");
        command.env("LD_DEBUG", "bindings").env("LD_DEBUG_OUTPUT", self.log());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        child.wait()?;
        let mut process = Process::default();
        self.read(&self.file(child.id()), &mut process);
        let _ = std::fs::remove_file(self.file(child.id()));
        Ok(Rehearsal(process))
    }

    /// Reads and removes the files of processes that have ended, so that many short ones do not fill the disk.
    pub fn collect(&mut self, over: impl Fn(u32) -> bool) {
        let Ok(entries) = std::fs::read_dir(self.directory.path()) else { return };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let Some(id) = path.extension().and_then(|id| id.to_str()?.parse().ok()).filter(|id| over(*id)) else {
                continue;
            };
            let mut process = self.found.remove(&id).unwrap_or_default();
            self.read(&path, &mut process);
            self.found.insert(id, process);
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Reads the remaining files, and returns the bindings of the process `id` and of those that it started.
    pub fn finish(mut self, id: u32, rehearsal: Rehearsal) -> Bindings {
        self.collect(|_| true);
        let followed = !self.found.is_empty();
        let mut own = self.found.remove(&id).unwrap_or_default();
        own.bound.extend(rehearsal.0.bound);
        own.elsewhere.extend(rehearsal.0.elsewhere);
        own.leave_out_what_is_passed_on();
        self.found.values_mut().for_each(Process::leave_out_what_is_passed_on);
        let others: BTreeSet<&String> = own.elsewhere.iter().map(|reference| &reference.name).collect();
        let proved = own.bound.iter().map(|(_, name)| name).filter(|name| !others.contains(name)).cloned().collect();
        Bindings {
            proved,
            elsewhere: own.elsewhere,
            followed,
            children: self.found.len(),
            children_proved: self
                .found
                .values()
                .filter(|child| child.elsewhere.is_empty() && !child.bound.is_empty())
                .count(),
            children_elsewhere: self.found.into_values().flat_map(|child| child.elsewhere).collect(),
        }
    }

    fn file(&self, id: u32) -> PathBuf {
        self.log().with_extension(id.to_string())
    }

    fn read(&self, path: &Path, process: &mut Process) {
        let Ok(text) = std::fs::read(path) else { return };
        let library = self.library.to_string_lossy();
        for binding in String::from_utf8_lossy(&text).lines().filter_map(Binding::parse) {
            // References of the library itself do not count: it may look up the next malloc.
            if binding.from == library || !self.names.contains(binding.name) {
                continue;
            }
            if binding.to == library || self.reaches(&binding) {
                process.bound.insert((binding.from.to_owned(), binding.name.to_owned()));
            } else {
                process.elsewhere.insert(binding.elsewhere());
            }
        }
    }
}

impl Collector<'_> {
    /// Returns whether the library serves a reference that the loader bound to libc. Ours makes libc's names mean its own
    /// functions when the program opens a module with `RTLD_DEEPBIND`, for which it must define `dlopen`.
    fn reaches(&self, binding: &Binding) -> bool {
        let of_libc = binding.to.rsplit('/').next().is_some_and(|file| file.starts_with("libc.so."));
        self.names.contains("dlopen") && of_libc && binding.from != binding.to && binding.name_space == "0"
    }
}

/// The result of binding the program without starting it.
#[derive(Default)]
pub struct Rehearsal(Process);

/// A line of the loader's log.
#[derive(Debug, PartialEq)]
struct Binding<'a> {
    from: &'a str,
    to: &'a str,
    name_space: &'a str,
    name: &'a str,
}

impl<'a> Binding<'a> {
    /// Reads ``123: binding file FROM [0] to TO [0]: normal symbol `NAME' [VERSION]``.
    fn parse(line: &'a str) -> Option<Self> {
        let (files, symbol) = line.split_once("binding file ")?.1.rsplit_once("]: ")?;
        let (from, to) = files.split_once("] to ")?;
        let (from, name_space) = from.rsplit_once(" [")?;
        let (to, _) = to.rsplit_once(" [")?;
        let name = symbol.split_once('`')?.1.split_once('\'')?.0;
        Some(Self { from, to, name_space, name })
    }

    fn elsewhere(&self) -> Elsewhere {
        let why = if self.name_space != "0" {
            "it was loaded into a name space of its own (dlmopen)"
        } else if !is_library(self.to) {
            "the program defines it itself, which comes before the library"
        } else if self.from == self.to {
            "it was opened with RTLD_DEEPBIND, or was linked to prefer its own definition"
        } else {
            "it was opened with RTLD_DEEPBIND, or what it got comes before the library"
        };
        Elsewhere { name: self.name.to_owned(), from: self.from.to_owned(), to: self.to.to_owned(), why }
    }
}

/// Returns whether the loader's name for a file is that of a library, and not of the program.
fn is_library(file: &str) -> bool {
    file.rsplit('/').next().unwrap_or(file).contains(".so")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stub_of_the_program_is_no_definition() {
        let elsewhere =
            |name: &str| Elsewhere { name: name.into(), from: "libc.so".into(), to: "prog".into(), why: "" };
        let mut process = Process::default();
        process.bound.insert(("prog".into(), "malloc".into()));
        process.bound.insert(("libc.so".into(), "calloc".into()));
        let deep = Elsewhere { to: "libc.so".into(), ..elsewhere("calloc") };
        process.elsewhere.extend([elsewhere("malloc"), elsewhere("free"), deep.clone()]);
        process.leave_out_what_is_passed_on();
        assert_eq!(process.elsewhere, BTreeSet::from([elsewhere("free"), deep]));
    }

    #[test]
    fn reads_the_loaders_lines() {
        let line = "      1234:\tbinding file ./a b [0] to /lib/libc.so.6 [0]: normal symbol `malloc' [GLIBC_2.2.5]";
        let binding = Binding { from: "./a b", to: "/lib/libc.so.6", name_space: "0", name: "malloc" };
        assert_eq!(Binding::parse(line), Some(binding));
        assert_eq!(Binding::parse("1234:\tcalling init: /lib/libc.so.6"), None);
        let unversioned = "1:\tbinding file m.so [1] to c.so [1]: protected symbol `free'";
        assert_eq!(
            Binding::parse(unversioned).unwrap().elsewhere().why,
            "it was loaded into a name space of its own (dlmopen)"
        );
    }
}
