//! Where layers are looked for beside our own.

use std::path::{Path, PathBuf};

/// The directories of layers: the project's go before the user's, and both before our own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directories {
    /// `.xalloc/layers` in the project.
    pub project: Option<PathBuf>,
    /// `xalloc/layers` in the user's configuration.
    pub user: Option<PathBuf>,
}

impl Directories {
    /// Those of a command that runs in `directory`: the nearest `.xalloc/layers` there or further up, and
    /// `$XDG_CONFIG_HOME/xalloc/layers`, by default `~/.config/xalloc/layers`.
    pub fn of(directory: &Path) -> Self {
        // The specification of the variable: what is not an absolute path is to be ignored.
        let configuration = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let configuration = configuration.or_else(|| Some(std::env::home_dir()?.join(".config")));
        Self::from(directory, configuration.as_deref())
    }

    fn from(directory: &Path, configuration: Option<&Path>) -> Self {
        let there_is = |path: PathBuf| path.is_dir().then_some(path);
        Self {
            project: directory.ancestors().find_map(|directory| there_is(directory.join(".xalloc/layers"))),
            user: configuration.and_then(|directory| there_is(directory.join("xalloc/layers"))),
        }
    }
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
        let expected =
            Directories { project: Some(path("a/.xalloc/layers")), user: Some(path("config/xalloc/layers")) };
        assert_eq!(found, expected);
        std::fs::create_dir_all(path("a/b/.xalloc/layers")).unwrap();
        assert_eq!(Directories::from(&path("a/b/c"), None).project, Some(path("a/b/.xalloc/layers")));
    }
}
