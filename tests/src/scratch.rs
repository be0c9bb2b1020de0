//! Where a test process puts what it keeps to its end: under the target directory, where `cargo clean` finds it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A directory of this process's own. A process may end in any way, so this one does not remove it: the next one does, when
/// it finds that the directory's lock is free.
pub fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<(PathBuf, File)> = OnceLock::new();
    &SCRATCH.get_or_init(|| make(&crate::places::target().join("tmp/tests"))).0
}

/// A temporary directory from which a library can be preloaded: the loader takes a blank or a colon for the end of a path in
/// `LD_PRELOAD`, and `TMPDIR` may have one.
pub fn preloadable() -> TempDir {
    let usual = std::env::temp_dir();
    let is_taken = !usual.to_string_lossy().contains([' ', ':', '$']);
    let parent = if is_taken { usual.as_path() } else { Path::new("/tmp") };
    tempfile::tempdir_in(parent).expect("a temporary directory")
}

/// The directory, and its lock: held as long as the file is open.
fn make(parent: &Path) -> (PathBuf, File) {
    fs::create_dir_all(parent).expect("a directory under the target directory");
    // Held meanwhile, so that a directory whose process has not come to locking it is not taken for a dead one's.
    let _entrance = locked(&parent.join("lock"));
    for entry in fs::read_dir(parent).expect("readable").flatten() {
        let directory = entry.path();
        if directory.is_dir() && !is_locked(&directory.join("lock")) {
            // If some of it stays, the next process comes to it again.
            let _ = fs::remove_dir_all(directory);
        }
    }
    let program = std::env::current_exe().expect("this program's path");
    let name = program.file_name().expect("a file").to_string_lossy().into_owned() + ".";
    let directory = tempfile::Builder::new().prefix(&name).tempdir_in(parent).expect("a directory").keep();
    let lock = locked(&directory.join("lock"));
    (directory, lock)
}

fn locked(path: &Path) -> File {
    let file = File::create(path).expect("a file under the target directory");
    file.lock().expect("a lock");
    file
}

fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_goes_and_what_a_live_one_has_stays() {
        let parent = tempfile::tempdir().unwrap();
        let (dead, lock) = make(parent.path());
        let (live, _lock) = make(parent.path());
        fs::write(dead.join("file"), "text").unwrap();
        drop(lock);
        let (own, _own_lock) = make(parent.path());
        assert_eq!((dead.exists(), live.exists(), own.exists()), (false, true, true));
    }
}
