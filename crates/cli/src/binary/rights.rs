//! The rights that a program gets when it is started.

use rustix::fs::{StatVfsMountFlags, statvfs};
use serde::Serialize;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

/// The rights that a program gets beyond those of the user who starts it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Rights {
    /// The user as whom it runs.
    pub set_uid: Option<u32>,
    /// The group as which it runs.
    pub set_gid: Option<u32>,
    /// Whether it has capabilities of its own.
    pub capabilities: bool,
}

impl Rights {
    /// Returns the rights that a file's mode and attributes give.
    ///
    /// A file system that is mounted with `nosuid` gives none.
    pub fn of(path: &Path, file: &Metadata) -> Self {
        if statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOSUID)) {
            return Self::default();
        }
        let mode = if gets_no_others() { 0 } else { file.permissions().mode() };
        Self {
            set_uid: (mode & SET_UID != 0).then(|| file.uid()),
            set_gid: (mode & SET_GID != 0).then(|| file.gid()),
            capabilities: has_capabilities(path),
        }
    }
}

/// Returns whether the programs that this process starts get no further rights (`no_new_privs`, as in many containers).
#[cfg(target_os = "linux")]
fn gets_no_others() -> bool {
    rustix::thread::no_new_privs().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn gets_no_others() -> bool {
    false
}

#[cfg(target_os = "linux")]
fn has_capabilities(path: &Path) -> bool {
    // The buffer is as long as any version of it that the kernel knows. Whatever it contains, the program counts as a
    // privileged one.
    let mut value = [0_u8; 64];
    rustix::fs::getxattr(path, "security.capability", &mut value).is_ok_and(|size: usize| size > 0)
}

#[cfg(not(target_os = "linux"))]
fn has_capabilities(_path: &Path) -> bool {
    false
}
