//! The profiles that are read, and the names of code that was made at run time.

use crate::refusal::Refusal;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use xalloc_profile::{PerfMap, Profile};

/// What stands for the standard input.
const STDIN: &str = "-";
/// More than any profiler writes: a gigabyte.
const LONGEST: u64 = 1 << 30;

/// A profile, and where it comes from.
pub struct Input {
    /// The file.
    pub path: PathBuf,
    /// What is in it.
    pub profile: Profile,
    /// When it was written; now, if it has no file.
    pub written: SystemTime,
}

impl Input {
    /// Returns the file's name without directories.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// Reads a profile.
pub fn read(path: &Path) -> Result<Input, Refusal> {
    let refusal = |why: String| Refusal::wrong_usage(format!("{}: {why}", path.display()));
    let (bytes, written) = bytes(path).map_err(|error| refusal(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(refusal("it has more than a gigabyte: no heap profile is so large".into()));
    }
    let profile = xalloc_profile::read(&bytes).map_err(|problem| refusal(problem.to_string()))?;
    Ok(Input { path: path.to_owned(), profile, written })
}

fn bytes(path: &Path) -> io::Result<(Vec<u8>, SystemTime)> {
    let mut bytes = Vec::new();
    if path == Path::new(STDIN) {
        io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes)?;
        return Ok((bytes, SystemTime::now()));
    }
    let file = File::open(path)?;
    let written = file.metadata()?.modified()?;
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes, written))
}

/// Returns the names in the file that the user has named, or in the one that belongs to the process whose id is in a profile's
/// name.
///
/// # Errors
/// The file that was named cannot be used. One that was only found is not needed.
pub fn perf_map(profile: &Path, named: Option<&Path>) -> Result<Option<PerfMap>, Refusal> {
    let user = rustix::process::geteuid().as_raw();
    if let Some(path) = named {
        let map = PerfMap::read(path, user);
        return map.map(Some).map_err(|problem| Refusal::wrong_usage(format!("{}: {problem}", path.display())));
    }
    let name = profile.file_name().unwrap_or_default().to_string_lossy();
    let ids = name.split('.').filter(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(ids.map(|id| format!("/tmp/perf-{id}.map")).find_map(|path| PerfMap::read(Path::new(&path), user).ok()))
}
