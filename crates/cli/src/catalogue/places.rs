//! Where libraries lie: where the loader looks, and where package managers put them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The loader's cache: what `ldconfig` has found in the directories of /etc/ld.so.conf. Nothing where there is no such cache.
fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| Cache::read(&printed_cache().unwrap_or_default(), MACHINE))
}

/// /etc/ld.so.cache, as the program that writes it prints it. It is not in every user's PATH.
fn printed_cache() -> Option<String> {
    let program = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| Path::new(path).exists())?;
    let output = Command::new(program).arg("-p").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How `ldconfig` marks libraries for the machine that this command is for.
const MACHINE: &str = if cfg!(target_arch = "aarch64") { "AArch64" } else { "x86-64" };

/// Libraries by name.
#[derive(Default)]
struct Cache(BTreeMap<String, Vec<PathBuf>>);

impl Cache {
    /// What is printed of a cache: of each name the libraries for `machine`, where there is one; otherwise those for others, so
    /// that it can be said what is wrong with them.
    fn read(printed: &str, machine: &str) -> Self {
        let mut all: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
        for line in printed.lines().filter_map(Line::read) {
            all.entry(line.name).or_default().push(line);
        }
        let paths = |lines: Vec<Line<'_>>| {
            let none_fits = !lines.iter().any(|line| line.is_for(machine));
            let chosen = lines.iter().filter(|line| none_fits || line.is_for(machine));
            chosen.map(|line| line.path.into()).collect()
        };
        Self(all.into_iter().map(|(name, lines)| (name.to_owned(), paths(lines))).collect())
    }

    fn paths(&self, name: &str) -> &[PathBuf] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A line `name (flags) => path`.
struct Line<'a> {
    name: &'a str,
    flags: &'a str,
    path: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (library, path) = line.trim().split_once(" => ")?;
        let (name, flags) = library.split_once(" (")?;
        Some(Self { name, flags: flags.strip_suffix(')')?, path })
    }

    /// Whether it can be loaded on every machine of this type: not so what only some processors can execute (`hwcap`).
    fn is_for(&self, machine: &str) -> bool {
        let flags = || self.flags.split(',').map(str::trim);
        flags().any(|flag| flag == machine) && !flags().any(|flag| flag.starts_with("hwcap"))
    }
}

/// Every place where the library `name` may be, in the order in which the loader would take them: LD_LIBRARY_PATH, the cache,
/// the directories of the system, those of Homebrew.
pub fn candidates(name: &str) -> Vec<PathBuf> {
    let searched = directories_of("LD_LIBRARY_PATH").into_iter().map(|directory| directory.join(name));
    let cached = cache().paths(name).iter().cloned();
    let standard = directories().into_iter().map(|directory| directory.join(name));
    let mut all: Vec<PathBuf> = searched.chain(cached).chain(standard).filter(|path| path.is_file()).collect();
    let mut seen = Vec::new();
    all.retain(|path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        !seen.contains(&real) && {
            seen.push(real);
            true
        }
    });
    all
}

/// The names of libraries that begin with `beginning`, in the loader's cache.
pub fn names_that_begin_with(beginning: &str) -> Vec<&'static str> {
    cache().0.keys().map(String::as_str).filter(|name| name.starts_with(beginning)).collect()
}

fn directories_of(variable: &str) -> Vec<PathBuf> {
    let value = std::env::var_os(variable).unwrap_or_default();
    std::env::split_paths(&value).filter(|path| path.is_absolute()).collect()
}

/// The directories in which libraries are without being in the cache.
pub fn directories() -> Vec<PathBuf> {
    let machine = std::env::consts::ARCH;
    let mut all: Vec<PathBuf> = ["/usr/local/lib", "/usr/local/lib64"].map(Into::into).into();
    if cfg!(target_os = "linux") {
        let multiarch = format!("{machine}-linux-gnu");
        all.extend([format!("/usr/local/lib/{multiarch}"), format!("/usr/lib/{multiarch}")].map(PathBuf::from));
        all.extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/home/linuxbrew/.linuxbrew/lib"].map(PathBuf::from));
    } else {
        all.push("/opt/homebrew/lib".into());
    }
    if let Some(prefix) = std::env::var_os("HOMEBREW_PREFIX").map(PathBuf::from).filter(|path| path.is_absolute()) {
        all.push(prefix.join("lib"));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As on a machine with gcc-multilib, whose compiler links for three machine types.
    const THREE_TYPES: &str = "4 libs found in cache `/etc/ld.so.cache'
\tlibc.so.6 (libc6,x32, OS ABI: Linux 3.4.0) => /libx32/libc.so.6
\tlibc.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/x86_64-linux-gnu/libc.so.6
\tlibc.so.6 (libc6, OS ABI: Linux 3.2.0) => /lib32/libc.so.6
\tlibold.so.1 (libc6) => /lib32/libold.so.1
\tlibfast.so.1 (libc6,x86-64, hwcap: \"x86-64-v4\") => /lib/glibc-hwcaps/x86-64-v4/libfast.so.1
\tlibfast.so.1 (libc6,x86-64) => /lib/libfast.so.1
Cache generated by: ldconfig (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36
";

    #[test]
    fn of_several_machine_types_the_one_of_this_command_is_taken() {
        let paths = |name: &str, machine: &str| {
            let cache = Cache::read(THREE_TYPES, machine);
            cache.paths(name).iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(paths("libc.so.6", "x86-64"), ["/lib/x86_64-linux-gnu/libc.so.6"]);
        assert_eq!(paths("libfast.so.1", "x86-64"), ["/lib/libfast.so.1"], "any processor can execute it");
        assert_eq!(paths("libold.so.1", "x86-64"), ["/lib32/libold.so.1"], "nothing else is there");
        assert_eq!(paths("libc.so.6", "AArch64").len(), 3);
        assert!(paths("cache", "x86-64").is_empty());
    }

    #[test]
    fn the_c_library_of_this_machine_is_found() {
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            let found = candidates("libc.so.6");
            let binary = crate::binary::Binary::read(&found[0]).unwrap();
            assert_eq!(binary.processor, crate::binary::Machine::here().processor, "{found:?}");
            assert!(names_that_begin_with("libc.so").contains(&"libc.so.6"));
        }
        assert!(candidates("libno-such-library.so.1").is_empty());
    }
}
