//! Where the debug information of a file is, if it is not in it.

use super::elf::{Elf, map};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where debug information is looked for.
#[derive(Clone, Debug)]
pub struct Places {
    /// The directory of files with debug information, which gdb has too.
    pub debug: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { debug: "/usr/lib/debug".into() }
    }
}

impl Places {
    /// Returns the file with the debug information of `elf`, which is at `path`, if that is another one and belongs to it.
    pub fn debug_file(&self, path: &Path, elf: &Elf) -> Option<PathBuf> {
        let by_id = self.by_build_id(&elf.build_id);
        if let Some(found) = by_id.filter(|debug| has_id(debug, &elf.build_id)) {
            return Some(found);
        }
        let (name, sum) = elf.debug_link.as_ref()?;
        let name = Path::new(OsStr::from_bytes(name));
        let directory = path.parent()?;
        let below = directory.strip_prefix("/").unwrap_or(directory);
        let candidates = [directory.join(name), directory.join(".debug").join(name), self.debug.join(below).join(name)];
        // By its name, a file can point to itself.
        candidates.into_iter().find(|debug| debug != path && belongs(debug, elf, *sum))
    }

    /// Returns the file that has what `debug`, at `path`, has in common with others, if it is there.
    pub fn alternative(&self, path: &Path, debug: &Elf) -> Option<PathBuf> {
        let (name, id) = debug.alternative.as_ref()?;
        let named = path.parent()?.join(OsStr::from_bytes(name));
        [Some(named), self.by_build_id(id)].into_iter().flatten().find(|candidate| has_id(candidate, id))
    }

    fn by_build_id(&self, id: &[u8]) -> Option<PathBuf> {
        let (first, rest) = id.split_first()?;
        let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
        Some(self.debug.join(".build-id").join(format!("{first:02x}")).join(format!("{rest}.debug")))
    }
}

fn has_id(path: &Path, id: &[u8]) -> bool {
    Elf::read(path).is_ok_and(|elf| elf.build_id == id)
}

/// Returns whether the file at `path` is the one that `elf` names. The build-id tells at once; without one, the sum of all bytes.
fn belongs(path: &Path, elf: &Elf, sum: u32) -> bool {
    if !elf.build_id.is_empty() {
        return has_id(path, &elf.build_id);
    }
    map(path).is_ok_and(|bytes| {
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        crc.sum() == sum
    })
}
