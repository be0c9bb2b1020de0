//! Names of code that was made at run time, as compilers write them for `perf`: `/tmp/perf-PID.map`.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The functions of such a file.
#[derive(Clone, Debug, Default)]
pub struct PerfMap {
    /// The end and the name of each, by its start. What was written last is what was there last.
    functions: BTreeMap<u64, (u64, String)>,
}

/// Why a file with names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProblemWithMap {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// Anybody can write such a file into /tmp.
    #[error("it belongs to another user (uid {0})")]
    Foreign(u32),
    /// It is something else.
    #[error("no line of it is START SIZE NAME")]
    Empty,
}

impl PerfMap {
    /// Reads a file that belongs to `user` or to root. Lines that make no sense are passed over, because the program may write
    /// one just now.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn read(path: &Path, user: u32) -> Result<Self, ProblemWithMap> {
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file").into());
        }
        if metadata.uid() != user && metadata.uid() != 0 {
            return Err(ProblemWithMap::Foreign(metadata.uid()));
        }
        let map = Self::parse(&String::from_utf8_lossy(&std::fs::read(path)?));
        if map.functions.is_empty() { Err(ProblemWithMap::Empty) } else { Ok(map) }
    }

    fn parse(text: &str) -> Self {
        Self { functions: text.lines().filter_map(function).collect() }
    }

    /// Returns the name of the function at an address.
    pub fn name(&self, address: u64) -> Option<&str> {
        let (_, (end, name)) = self.functions.range(..=address).next_back()?;
        (address < *end).then_some(name)
    }
}

/// Returns the start, the end and the name of `7f10 2a JS:~render app.js:3:14`.
fn function(line: &str) -> Option<(u64, (u64, String))> {
    let mut words = line.splitn(3, ' ');
    let mut number = || {
        let word = words.next()?;
        u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()
    };
    let (start, size) = (number()?, number()?);
    let name = words.next()?.trim();
    (!name.is_empty()).then(|| (start, (start.saturating_add(size), name.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_addresses_and_no_others() {
        let map = PerfMap::parse("7f10 20 py::work:/srv/app.py\nrubbish\n7f40 10 old name\n7f40 8 new\n0x7f80 zz x\n");
        assert_eq!(map.name(0x7f2f), Some("py::work:/srv/app.py"));
        assert_eq!(map.name(0x7f30), None);
        assert_eq!(map.name(0x7f47), Some("new"));
        assert_eq!(map.name(0x7f48), None);
        assert_eq!(map.name(0), None);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "hello\n").expect("written");
        let user = std::fs::metadata(file.path()).expect("there").uid();
        let problem = PerfMap::read(file.path(), user).expect_err("no map");
        assert_eq!(problem.to_string(), "no line of it is START SIZE NAME");
        std::fs::write(file.path(), "10 20 name\n").expect("written");
        assert_eq!(PerfMap::read(file.path(), user).expect("a map").name(0x11), Some("name"));
        if user != 0 {
            assert!(matches!(PerfMap::read(file.path(), user + 1), Err(ProblemWithMap::Foreign(_))));
        }
    }
}
