//! Where a file was mapped.

use std::fmt;
use std::path::PathBuf;

/// What the kernel appends to the name of a file that is gone.
const DELETED: &[u8] = b" (deleted)";

/// The name of memory that is no file's, as that of code which is made at run time.
pub const NO_FILE: &str = "[anon]";

/// A line of `/proc/PID/maps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The first address.
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
    /// The rights, such as `r-xp`.
    pub rights: String,
    /// Where in the file it begins.
    pub offset: u64,
    /// The file's device, such as `fe:00`.
    pub device: String,
    /// The file's number on its device.
    pub inode: u64,
    /// The file, or a name in brackets such as `[heap]`; empty for memory of no name.
    pub path: PathBuf,
    /// The file's build-id when the profile was written, if that is known.
    pub build_id: Option<Vec<u8>>,
}

impl Mapping {
    /// Returns whether it is a file's.
    pub fn is_file(&self) -> bool {
        self.path.as_os_str().as_encoded_bytes().starts_with(b"/")
    }

    /// Returns whether the file was deleted before the profile was written.
    pub fn is_deleted(&self) -> bool {
        self.path.as_os_str().as_encoded_bytes().ends_with(DELETED)
    }

    /// Returns the name without its directories, or what stands in its place: `libc.so.6`, `[heap]`, `[anon]`.
    pub fn name(&self) -> String {
        if self.path.as_os_str().is_empty() {
            return NO_FILE.into();
        }
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().trim_end_matches(" (deleted)").to_owned()
    }

    /// Returns where `address` is in the file.
    pub fn file_offset(&self, address: u64) -> u64 {
        address.wrapping_sub(self.start).wrapping_add(self.offset)
    }

    /// Returns whether code can run there.
    pub fn is_code(&self) -> bool {
        self.rights.as_bytes().get(2) == Some(&b'x')
    }
}

/// Writes it as the kernel does, without what has no place there: the build-id.
impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, end, rights, offset, device, inode, path, .. } = self;
        write!(f, "{start:08x}-{end:08x} {rights} {offset:08x} {device} {inode:<26} {}", path.display())
    }
}
