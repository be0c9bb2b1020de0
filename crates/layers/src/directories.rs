//! The directories that are searched for layers besides the built-in ones.

use std::path::{Path, PathBuf};

/// The directories of layers. The project's have precedence over the user's, and both over the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// The project's `.xalloc/layers`.
    pub project: Option<PathBuf>,
    /// `xalloc/layers` in the user's configuration directory.
    pub user: Option<PathBuf>,
    /// A project's directory that is not used, because it belongs to another user. In a directory that everybody may write to,
    /// anybody could otherwise decide what one builds with.
    pub ignored: Option<PathBuf>,
}

impl Directories {
    /// Returns the directories for a command that runs in `directory`: the nearest `.xalloc/layers` there or further up, and
    /// `$XDG_CONFIG_HOME/xalloc/layers`, by default `~/.config/xalloc/layers`.
    pub fn of(directory: &Path) -> Self {
        // The specification of the variable says that a path that is not absolute must be ignored.
        let configuration = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let configuration = configuration.or_else(|| Some(std::env::home_dir()?.join(".config")));
        Self::from(directory, configuration.as_deref())
    }

    fn from(directory: &Path, configuration: Option<&Path>) -> Self {
        let there_is = |path: PathBuf| path.is_dir().then_some(path);
        let nearest = directory.ancestors().find_map(|directory| there_is(directory.join(".xalloc/layers")));
        let (project, ignored) = match nearest {
            Some(path) if !is_trusted(&path) => (None, Some(path)),
            nearest => (nearest, None),
        };
        Self { project, user: configuration.and_then(|directory| there_is(directory.join("xalloc/layers"))), ignored }
    }
}

/// Returns whether a directory belongs to the user or to the administrator.
#[cfg(unix)]
fn is_trusted(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(directory).map(|metadata| metadata.uid());
    owner.is_ok_and(|owner| owner == 0 || owner == rustix::process::geteuid().as_raw())
}

/// Returns true: on this system, this crate cannot ask who owns a directory.
#[cfg(not(unix))]
fn is_trusted(_directory: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_and_the_users_own() {
        let root = tempfile::tempdir().unwrap();
        let path = |path: &str| root.path().join(path);
        for directory in ["a/.xalloc/layers", "a/b/c", "config/xalloc/layers"] {
            std::fs::create_dir_all(path(directory)).unwrap();
        }
        let found = Directories::from(&path("a/b/c"), Some(&path("config")));
        let expected = Directories {
            project: Some(path("a/.xalloc/layers")),
            user: Some(path("config/xalloc/layers")),
            ignored: None,
        };
        assert_eq!(found, expected);
        std::fs::create_dir_all(path("a/b/.xalloc/layers")).unwrap();
        assert_eq!(Directories::from(&path("a/b/c"), None).project, Some(path("a/b/.xalloc/layers")));
    }

    #[test]
    #[cfg(unix)]
    fn another_users_directory_is_named_and_not_looked_at() {
        if !rustix::process::geteuid().is_root() {
            return xalloc_tests::skip("only root can give a directory to another user");
        }
        let root = tempfile::tempdir().unwrap();
        let layers = root.path().join(".xalloc/layers");
        std::fs::create_dir_all(&layers).unwrap();
        std::os::unix::fs::chown(&layers, Some(65534), None).unwrap();
        let found = Directories::from(root.path(), None);
        assert_eq!((found.project, found.ignored), (None, Some(layers)));
    }
}
