//! The places of libraries: where the loader looks, and where package managers put them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The files for each name of a library.
type Cache = BTreeMap<String, Vec<PathBuf>>;

/// Returns the loader's cache: what `ldconfig` has found in the directories of /etc/ld.so.conf. Empty where there is no such
/// cache.
fn cache() -> &'static Cache {
    static CACHE: OnceLock<Cache> = OnceLock::new();
    CACHE.get_or_init(|| read(&printed_cache().unwrap_or_default(), std::env::consts::ARCH))
}

/// Returns the entries of a printed cache that are for processors of a type. A library that exists only for other types stays
/// in it, so that a message can say what is wrong with it.
fn read(printed: &str, processor: &str) -> Cache {
    let (mut fitting, mut others) = (Cache::new(), Cache::new());
    for (name, flags, path) in printed.lines().filter_map(line) {
        let cache = if are_for(flags, processor) { &mut fitting } else { &mut others };
        cache.entry(name.to_owned()).or_default().push(path.into());
    }
    for (name, paths) in others {
        fitting.entry(name).or_insert(paths);
    }
    fitting
}

/// Returns whether a library with these flags can be loaded on every processor of a type. An i386 library has no flag of its
/// own. A library for newer processors only has a `hwcap`: the loader checks whether this is one, but not for a preload by
/// path.
fn are_for(flags: &str, processor: &str) -> bool {
    let word = match processor {
        "x86_64" => "x86-64",
        "aarch64" => "AArch64",
        _ => return true,
    };
    let flags = || flags.split(',').map(str::trim);
    flags().any(|flag| flag == word) && !flags().any(|flag| flag.starts_with("hwcap"))
}

/// Returns /etc/ld.so.cache as the program prints it that also writes it. This program is not in every user's PATH.
fn printed_cache() -> Option<String> {
    let program = ["/sbin/ldconfig", "/usr/sbin/ldconfig"].into_iter().find(|path| Path::new(path).exists())?;
    let output = Command::new(program).arg("-p").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the name, the flags and the path in a line `name (flags) => path`.
fn line(line: &str) -> Option<(&str, &str, &str)> {
    let (name, path) = line.trim().split_once(" => ")?;
    let (name, flags) = name.split_once(" (")?;
    Some((name, flags.strip_suffix(')')?, path))
}

/// Returns every place where the library `name` may be, in the order in which the loader would use them: LD_LIBRARY_PATH, the
/// cache, the directories of the system, those of Homebrew.
pub fn candidates(name: &str) -> Vec<PathBuf> {
    let searched = directories_of("LD_LIBRARY_PATH").into_iter().map(|directory| directory.join(name));
    let cached = cache().get(name).cloned().unwrap_or_default();
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

/// Returns the names of libraries in the loader's cache that begin with `beginning`.
pub fn names_that_begin_with(beginning: &str) -> Vec<&'static str> {
    cache().keys().map(String::as_str).filter(|name| name.starts_with(beginning)).collect()
}

fn directories_of(variable: &str) -> Vec<PathBuf> {
    let value = std::env::var_os(variable).unwrap_or_default();
    std::env::split_paths(&value).filter(|path| path.is_absolute()).collect()
}

/// Returns the directories in which libraries may be without being in the cache.
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

    #[test]
    fn reads_what_ldconfig_prints() {
        assert_eq!(
            line("\tlibm.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/libm.so.6"),
            Some(("libm.so.6", "libc6,x86-64, OS ABI: Linux 3.2.0", "/lib/libm.so.6"))
        );
        assert_eq!(line("1170 libs found in cache `/etc/ld.so.cache'"), None);
    }

    /// As on a machine with gcc-multilib, and with libraries for newer processors.
    #[test]
    fn of_several_machine_types_the_own_one_is_taken() {
        let printed = "4 libs found in cache `/etc/ld.so.cache'
\tlibc.so.6 (libc6,x32) => /libx32/libc.so.6
\tlibc.so.6 (libc6,x86-64, hwcap: \"x86-64-v3\") => /lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libc.so.6
\tlibc.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/x86_64-linux-gnu/libc.so.6
\tlibc.so.6 (libc6,AArch64) => /lib/aarch64-linux-gnu/libc.so.6
\tlibc.so.6 (libc6) => /lib32/libc.so.6
Cache generated by: ldconfig (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36
";
        let of = |processor: &str| {
            let mut cache = read(printed, processor);
            let files: Vec<String> =
                cache.remove("libc.so.6").unwrap().iter().map(|path| path.display().to_string()).collect();
            assert!(cache.is_empty());
            files
        };
        assert_eq!(of("x86_64"), ["/lib/x86_64-linux-gnu/libc.so.6"]);
        assert_eq!(of("aarch64"), ["/lib/aarch64-linux-gnu/libc.so.6"]);
        assert_eq!(of("riscv64").len(), 5);
    }

    #[test]
    fn what_is_there_for_other_machines_only_is_not_hidden() {
        let cache = read("\tlibold.so.1 (libc6) => /lib32/libold.so.1\n", "x86_64");
        assert_eq!(cache["libold.so.1"], [PathBuf::from("/lib32/libold.so.1")]);
    }

    #[test]
    fn the_c_library_of_this_machine_is_found_first() {
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            let found = candidates("libc.so.6");
            let library = crate::binary::Binary::read(&found[0]).expect("it can be read");
            assert_eq!(library.processor, crate::binary::Machine::here().processor, "{found:?}");
            assert!(names_that_begin_with("libc.so").contains(&"libc.so.6"));
        }
        assert!(candidates("libno-such-library.so.1").is_empty());
    }
}
