//! The catalogue of all layers: the built-in ones, the user's and the project's.

use crate::allocator::Allocator;
use crate::builtin::{self, BUILTIN};
use crate::directories::Directories;
use crate::entry::{Entry, Layer, Origin};
use crate::error::{Error, Problem};
use crate::spec::{LayerSpec, is_name};
use crate::words::{Kind, nearest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use strum::VariantArray;

/// The places in which layers are looked for.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    directories: Directories,
}

impl Catalogue {
    /// Returns the catalogue of the built-in layers only.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Returns the catalogue of the layers in `directories` and the built-in ones.
    pub fn with(directories: Directories) -> Self {
        Self { directories }
    }

    /// Returns all layers, ordered by type and name. A layer that another one of the same name hides is not among them.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = BTreeMap::new();
        for &(kind, name, _) in BUILTIN {
            entries.insert((kind, name.to_owned()), Origin::Builtin);
        }
        // The project's layers come last, and replace the others.
        for directory in self.searched().into_iter().rev() {
            for kind in Kind::VARIANTS {
                for (name, path) in files(&directory.path.join(kind.to_string()))? {
                    entries.insert((*kind, name), (directory.origin)(path));
                }
            }
        }
        Ok(entries.into_iter().map(|((kind, name), origin)| Entry { kind, name, origin }).collect())
    }

    /// Returns the layer that `spec` names.
    ///
    /// # Errors
    /// [`Problem::NotFound`], with the places in which it was looked for.
    pub fn find(&self, spec: &LayerSpec) -> Result<Entry, Error> {
        let (kind, name) = (spec.kind, spec.name.clone());
        for directory in self.searched() {
            let path = directory.path.join(format!("{spec}.yaml"));
            // A file that cannot be read is returned too: reading it then reports the error.
            if path.symlink_metadata().is_ok() {
                return Ok(Entry { kind, name, origin: (directory.origin)(path) });
            }
        }
        match builtin::source(kind, &name) {
            Some(_) => Ok(Entry { kind, name, origin: Origin::Builtin }),
            None => Err(spec.error(self.not_found(spec))),
        }
    }

    /// Returns all allocators whose files can be read, ordered by name, and the errors of the others.
    ///
    /// # Errors
    /// If a directory cannot be read.
    pub fn allocators(&self) -> Result<(Vec<Allocator>, Vec<Error>), Error> {
        let (mut readable, mut errors) = (Vec::new(), Vec::new());
        for entry in self.entries()?.iter().filter(|entry| entry.kind == Kind::Allocator) {
            match allocator(entry) {
                Ok(allocator) => readable.push(allocator),
                Err(error) => errors.push(error),
            }
        }
        Ok((readable, errors))
    }

    /// Returns the allocator of that name.
    ///
    /// # Errors
    /// If there is none, or its file cannot be read.
    pub fn allocator(&self, name: &str) -> Result<Allocator, Error> {
        allocator(&self.find(&LayerSpec::new(Kind::Allocator, name)?)?)
    }

    /// Returns the directories, in the order in which they are searched.
    fn searched(&self) -> Vec<Searched<'_>> {
        let Directories { project, user, .. } = &self.directories;
        let project = project.as_deref().map(|path| Searched { path, origin: Origin::Project });
        let user = user.as_deref().map(|path| Searched { path, origin: Origin::User });
        project.into_iter().chain(user).collect()
    }

    fn not_found(&self, spec: &LayerSpec) -> Problem {
        let directories = self.searched().into_iter().map(|directory| directory.path.display().to_string());
        // Ignores errors: this is only to suggest a near name, and a directory that cannot be read has none.
        let names: Vec<_> = self.entries().unwrap_or_default();
        let of_kind = names.iter().filter(|entry| entry.kind == spec.kind).map(|entry| entry.name.as_str());
        Problem::NotFound {
            layer: spec.to_string(),
            searched: directories.chain(["xalloc's own layers".to_owned()]).collect(),
            nearest: nearest(&spec.name, of_kind).map(|name| format!("{}/{name}", spec.kind)),
        }
    }
}

/// A directory of layers.
struct Searched<'a> {
    path: &'a Path,
    /// Makes the origin of a file in it.
    origin: fn(PathBuf) -> Origin,
}

fn allocator(entry: &Entry) -> Result<Allocator, Error> {
    match entry.read()? {
        Layer::Allocator(allocator) => Ok(*allocator),
        Layer::Build(_) => unreachable!("what lies in the allocators' folder is read as an allocator"),
    }
}

/// Returns the layers in a folder, ordered by name; none if there is no such folder.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let problem =
        |error: std::io::Error| Problem::Unreadable { path: folder.display().to_string(), reason: error.to_string() };
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".yaml"));
        if let Some(name) = name.filter(|name| is_name(name)) {
            files.push((name.to_owned(), path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn stdlib(name: &str, description: &str) -> String {
        format!("type: stdlib\nname: {name}\ndescription: {description}\n")
    }

    #[test]
    fn all_our_own_layers_can_be_read() {
        let entries = Catalogue::builtin().entries().unwrap();
        assert_eq!(entries.len(), BUILTIN.len());
        for entry in entries {
            let layer = entry.read().unwrap_or_else(|error| panic!("{error}"));
            assert!(layer.description().ends_with('.'), "{} has no sentence", entry.layer_name());
        }
    }

    #[test]
    fn the_project_goes_before_the_user_and_both_before_us() {
        let root = tempfile::tempdir().unwrap();
        let (project, user) = (root.path().join("project"), root.path().join("user"));
        write(&project, "stdlib/mine.yaml", &stdlib("mine", "Project."));
        write(&user, "stdlib/mine.yaml", &stdlib("mine", "User."));
        write(&user, "stdlib/libc++.yaml", &stdlib("libc++", "User."));
        let catalogue =
            Catalogue::with(Directories { project: Some(project.clone()), user: Some(user.clone()), ignored: None });
        let described = |name: &str| {
            let entry = catalogue.find(&LayerSpec::new(Kind::Stdlib, name).unwrap()).unwrap();
            entry.read().unwrap().description().to_owned()
        };
        assert_eq!((described("mine"), described("libc++")), ("Project.".into(), "User.".into()));
        let entries = catalogue.entries().unwrap();
        let origin = |name: &str| entries.iter().find(|entry| entry.name == name).unwrap().origin.clone();
        assert_eq!(origin("mine"), Origin::Project(project.join("stdlib/mine.yaml")));
        assert_eq!(origin("libc++"), Origin::User(user.join("stdlib/libc++.yaml")));
        assert_eq!(origin("libstdc++"), Origin::Builtin);
    }

    #[test]
    fn a_file_must_say_what_its_path_says() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "stdlib/mine.yaml", &stdlib("yours", "x"));
        let catalogue = Catalogue::with(Directories { project: Some(root.path().into()), ..Directories::default() });
        let entry = catalogue.find(&"stdlib/mine".parse().unwrap()).unwrap();
        let error = entry.read().unwrap_err().to_string();
        assert!(
            error.ends_with(
                "mine.yaml:1:1: the path says stdlib/mine, the file says type: stdlib, name: yours; rename one"
            ),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_file_is_said_to_be_none() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("stdlib/directory.yaml")).unwrap();
        std::os::unix::fs::symlink("loop.yaml", root.path().join("stdlib/loop.yaml")).unwrap();
        let catalogue = Catalogue::with(Directories { project: Some(root.path().into()), ..Directories::default() });
        for (name, reason) in [("directory", "Is a directory"), ("loop", "Too many levels of symbolic links")] {
            let entry = catalogue.find(&LayerSpec::new(Kind::Stdlib, name).unwrap()).unwrap();
            let error = entry.read().unwrap_err().to_string();
            assert!(error.contains("cannot read ") && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn an_allocator_that_cannot_be_read_does_not_hide_the_others() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "allocator/broken.yaml", "type: allocator\nname: other\n");
        let directories = Directories { user: Some(root.path().into()), ..Directories::default() };
        let (allocators, errors) = Catalogue::with(directories).allocators().unwrap();
        assert!(allocators.iter().any(|allocator| allocator.name == "jemalloc"));
        assert!(errors.len() == 1 && errors[0].to_string().contains("broken.yaml"), "{errors:?}");
    }

    #[test]
    fn a_missing_layer_is_answered_with_where_and_the_nearest() {
        let error = Catalogue::builtin().find(&"allocator/jemaloc".parse().unwrap()).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no layer allocator/jemaloc; looked in xalloc's own layers; did you mean 'allocator/jemalloc'?"
        );
    }
}
