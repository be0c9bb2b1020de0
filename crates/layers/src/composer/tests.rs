//! What stacks of layers come to, and which cannot be.

use super::*;
use crate::directories::Directories;
use crate::words::{Kind, Method, System};
use std::path::Path;
use strum::VariantArray;

const HEAD: [&str; 3] = ["base/clang-18", "platform/linux-x64", "buildtype/release"];

fn stack(layers: &[&str]) -> Vec<LayerSpec> {
    layers.iter().map(|text| text.parse().unwrap()).collect()
}

/// The usual head, and `layers`.
fn compose(layers: &[&str]) -> Result<Composition, String> {
    let layers = stack(&[&HEAD, layers].concat());
    Composer::new(Catalogue::builtin()).compose(&layers).map_err(|error| error.to_string())
}

/// `head`, and `allocator` by `method`.
fn compose_by(head: &[&str], allocator: &str, method: Method) -> Result<Composition, String> {
    let mut layers = stack(&[head, &[allocator]].concat());
    layers.last_mut().unwrap().method = Some(method);
    let composer = Composer::new(Catalogue::builtin())
        .resolver(|allocator| Some(Path::new("/lib").join(&allocator.preload_files(System::Linux)[0])));
    composer.compose(&layers).map_err(|error| error.to_string())
}

#[test]
fn flags_come_in_the_order_of_the_layers() {
    let composition = compose(&["stdlib/libc++", "allocator/jemalloc"]).unwrap();
    let target = "--target=x86_64-linux-gnu";
    assert_eq!(composition.compile_flags, ["-Wall", "-Wextra", "-m64", "-pthread", target, "-O3", "-stdlib=libc++"]);
    let library = ["-Wl,--push-state,--no-as-needed", "-ljemalloc", "-Wl,--pop-state"];
    assert_eq!(composition.link_flags, [&["-m64", "-pthread", target, "-stdlib=libc++"], &library[..]].concat());
    assert_eq!((composition.compiler.as_str(), composition.compiler_version.as_deref()), ("clang", Some("18")));
    assert_eq!((composition.stdlib.as_deref(), composition.build_type.as_str()), (Some("libc++"), "release"));
    assert_eq!(composition.defines, ["NDEBUG"]);
    assert_eq!(composition.cmake_variables["CMAKE_CXX_COMPILER"], "clang++-18");
    assert_eq!((composition.method, composition.runtime_environment.len()), (Some(Method::Link), 0));
    assert_eq!(composition.layers.len(), 5);
}

#[test]
fn every_type_is_there_as_often_as_it_may_be() {
    let layers = |layers: &[&str]| Composer::new(Catalogue::builtin()).compose(&stack(layers)).unwrap_err().to_string();
    assert_eq!(layers(&HEAD[1..]), "there is no base layer; a composition needs one, as in base/clang-18");
    assert!(layers(&HEAD[..2]).starts_with("there is no buildtype layer"));
    assert_eq!(
        compose(&["allocator/jemalloc", "allocator/mimalloc"]).unwrap_err(),
        "allocator/jemalloc and allocator/mimalloc: a program has one allocator. Leave one of them out."
    );
    assert!(compose(&["base/gcc"]).unwrap_err().starts_with("base/clang-18 and base/gcc: "));
    assert!(compose(&["sanitizer/address", "sanitizer/undefined"]).is_ok());
    assert!(compose(&["sanitizer/address", "sanitizer/address"]).unwrap_err().contains("the same layer twice"));
}

#[test]
fn sanitizers_and_allocators_conflict_in_any_order() {
    for (sanitizer, name) in [("address", "Address"), ("thread", "Thread"), ("memory", "Memory")] {
        let sanitizer = format!("sanitizer/{sanitizer}");
        let expected = format!(
            "allocator/jemalloc conflicts with {sanitizer}: {name}Sanitizer replaces malloc with its own. \
             Use allocator/system, or leave {sanitizer} out."
        );
        assert_eq!(compose(&[&sanitizer, "allocator/jemalloc"]).unwrap_err(), expected);
        assert_eq!(compose(&["allocator/jemalloc", &sanitizer]).unwrap_err(), expected);
        for entry in Catalogue::builtin().entries().unwrap().iter().filter(|entry| entry.kind == Kind::Allocator) {
            let is_fine = compose(&[&sanitizer, &entry.layer_name()]).is_ok();
            assert_eq!(is_fine, entry.name == "system", "{}", entry.name);
        }
    }
    assert!(compose(&["sanitizer/undefined", "allocator/jemalloc"]).is_ok());
    let expected = "sanitizer/thread conflicts with sanitizer/address: each keeps its own shadow of the whole memory. \
                    Leave one of them out.";
    assert_eq!(compose(&["sanitizer/thread", "sanitizer/address"]).unwrap_err(), expected);
    assert!(compose(&["sanitizer/memory", "sanitizer/thread"]).is_err());
}

#[test]
fn requirements_name_what_was_wanted_and_what_there_is() {
    let gcc = ["base/gcc-13", "platform/linux-x64", "buildtype/debug"];
    let error = |layers: &[&str]| Composer::new(Catalogue::builtin()).compose(&stack(layers)).unwrap_err().to_string();
    assert_eq!(
        error(&[&gcc[..], &["sanitizer/memory"]].concat()),
        "sanitizer/memory needs clang, and the composition has base/gcc-13. Use another base, or leave sanitizer/memory out."
    );
    let windows = ["base/clang-18", "platform/windows-x64", "buildtype/debug", "sanitizer/thread"];
    assert_eq!(
        error(&windows),
        "sanitizer/thread needs linux or macos, and the composition has platform/windows-x64. Leave sanitizer/thread out."
    );
}

#[test]
fn each_method_does_what_it_says() {
    let linked = compose_by(&HEAD, "allocator/tbbmalloc", Method::Link).unwrap();
    assert!(linked.link_flags.ends_with(&["-ltbbmalloc_proxy", "-ltbbmalloc", "-Wl,--pop-state"].map(String::from)));
    let preloaded = compose_by(&HEAD, "allocator/jemalloc", Method::LdPreload).unwrap();
    assert!(!preloaded.link_flags.contains(&"-ljemalloc".to_owned()));
    let here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    let library = |name: &str| if here { format!("/lib/{name}") } else { name.to_owned() };
    assert_eq!(preloaded.runtime_environment["LD_PRELOAD"], library("libjemalloc.so.2"));
    let proxied = compose_by(&HEAD, "allocator/jemalloc", Method::Proxy).unwrap();
    let expected = format!("{}:{}", library("libxalloc.so"), library("libjemalloc.so.2"));
    assert_eq!(proxied.runtime_environment["LD_PRELOAD"], expected);
    assert_eq!(proxied.runtime_environment["XALLOC_CONF"], "heap:system");
    let error = compose_by(&HEAD, "allocator/xalloc", Method::Proxy).unwrap_err();
    assert_eq!(error, "allocator/xalloc has no method proxy; it has ld_preload, link");
}

#[test]
fn platforms_have_their_methods() {
    let windows = ["base/clang-18", "platform/windows-x64", "buildtype/release"];
    let macos = ["base/clang", "platform/macos-arm64", "buildtype/release"];
    let error = compose_by(&windows, "allocator/jemalloc", Method::LdPreload).unwrap_err();
    assert_eq!(error, "Windows doesn't support LD_PRELOAD. Use method: link");
    assert!(compose_by(&windows, "allocator/jemalloc", Method::Proxy).unwrap_err().ends_with("Use method: link"));
    assert_eq!(compose_by(&windows, "allocator/mimalloc", Method::Auto).unwrap().method, Some(Method::Link));
    let error = compose_by(&windows, "allocator/tcmalloc", Method::Auto).unwrap_err();
    assert!(error.starts_with("allocator/tcmalloc doesn't support windows: Its port"), "{error}");
    let preloaded = compose_by(&macos, "allocator/jemalloc", Method::LdPreload).unwrap();
    assert!(preloaded.runtime_environment.contains_key("DYLD_INSERT_LIBRARIES"));
    let error = compose_by(&macos, "allocator/jemalloc", Method::Proxy).unwrap_err();
    assert_eq!(error, "method proxy works on linux only, not on macos. Use method: link");
}

#[test]
fn the_systems_malloc_stands_in_for_any_allocator() {
    for method in Method::VARIANTS {
        let composition = compose_by(&HEAD, "allocator/default", *method).unwrap();
        assert_eq!(composition.method, Some(Method::None));
        assert!(composition.runtime_environment.is_empty());
    }
}

#[test]
fn a_library_that_is_not_found_is_a_warning() {
    let mut layers = stack(&[&HEAD[..], &["allocator/mimalloc"]].concat());
    layers[3].method = Some(Method::LdPreload);
    let composition = Composer::new(Catalogue::builtin()).compose(&layers).unwrap();
    assert_eq!(composition.runtime_environment["LD_PRELOAD"], "libmimalloc.so.3");
    assert!(composition.warnings[0].starts_with("the library of allocator/mimalloc was not "));
}

#[test]
fn a_project_that_takes_the_preload_from_xalloc_is_told_so() {
    let text = "{type: allocator, name: xalloc, description: x, integration_methods: [link], \
                link: {flags: {linux: [-lxalloc]}}, platforms: {linux: {default_method: link}}}";
    let (_root, catalogue) = project(&[("allocator/xalloc.yaml", text)]);
    let mut layers = stack(&[&HEAD[..], &["allocator/mimalloc"]].concat());
    layers[3].method = Some(Method::Proxy);
    let error = Composer::new(catalogue).compose(&layers).unwrap_err().to_string();
    assert_eq!(error, "allocator/xalloc has no method ld_preload; it has link");
}

#[test]
fn a_path_that_the_loader_would_split_is_refused() {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        eprintln!("skipped: paths are looked for on the machine itself only");
        return;
    }
    let mut layers = stack(&[&HEAD[..], &["allocator/mimalloc"]].concat());
    layers[3].method = Some(Method::LdPreload);
    let composer = Composer::new(Catalogue::builtin()).resolver(|_| Some("/my libraries/libmimalloc.so".into()));
    let error = composer.compose(&layers).unwrap_err().to_string();
    assert!(error.starts_with("cannot preload /my libraries/libmimalloc.so: "), "{error}");
}

#[test]
fn options_are_for_allocators_and_become_environment() {
    let mut layers = stack(&[&HEAD[..], &["allocator/jemalloc"]].concat());
    layers[3].options =
        BTreeMap::from([("narenas".to_owned(), "2".to_owned()), ("thp".to_owned(), "always".to_owned())]);
    let composition = Composer::new(Catalogue::builtin()).compose(&layers).unwrap();
    assert_eq!(composition.runtime_environment["MALLOC_CONF"], "narenas:2,thp:always");
    layers[0].method = Some(Method::Link);
    let error = Composer::new(Catalogue::builtin()).compose(&layers).unwrap_err().to_string();
    assert_eq!(error, "base/clang-18 takes no method: only allocators do");
}

/// A project with layers of its own.
fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Catalogue) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let catalogue = Catalogue::with(Directories { project: Some(root.path().to_owned()), ..Directories::default() });
    (root, catalogue)
}

const MINE: &str = "\
type: stdlib
name: mine
description: Ours.
requires: {compiler: [clang>=17]}
conflicts_with:
  - {type: allocator, names: [hoard], reason: they don't get along}
flags:
  common: ['-isysroot{{toolchain_root}}']
  link: ['-L{{toolchain_root}}/{{compiler}}-{{compiler_version}}']
runtime_environment:
  LD_PRELOAD: libmine.so
  MALLOC_CONF: abort_conf:true
";

#[test]
fn a_projects_layer_has_variables_conflicts_and_requirements() {
    let (root, catalogue) = project(&[("stdlib/mine.yaml", MINE)]);
    let layers = stack(&[&HEAD[..], &["stdlib/mine"]].concat());
    let composer = Composer::new(catalogue.clone()).variable("toolchain_root", "/opt/t");
    let composition = composer.compose(&layers).unwrap();
    assert!(composition.link_flags.ends_with(&["-isysroot/opt/t", "-L/opt/t/clang-18"].map(String::from)));
    let error = Composer::new(catalogue.clone()).compose(&layers).unwrap_err().to_string();
    let place = format!("{}:8:12: unknown variable 'toolchain_root'", root.path().join("stdlib/mine.yaml").display());
    assert!(error.starts_with(&place), "{error}");
    let with_hoard = stack(&[&HEAD[..], &["allocator/hoard", "stdlib/mine"]].concat());
    let error = composer.compose(&with_hoard).unwrap_err().to_string();
    assert!(error.starts_with("allocator/hoard conflicts with stdlib/mine: they don't get along."), "{error}");
    let text = MINE.replace("names: [hoard], ", "");
    let (_root, with_none) = project(&[("stdlib/mine.yaml", &text)]);
    let error = Composer::new(with_none).compose(&with_hoard).unwrap_err().to_string();
    assert!(error.ends_with("Leave one of them out."), "default is no way out either: {error}");
    let old = stack(&["base/clang-16", "platform/linux-x64", "buildtype/debug", "stdlib/mine"]);
    assert!(composer.compose(&old).unwrap_err().to_string().contains("needs clang 17 or later"));
    let unsaid = stack(&["base/clang", "platform/linux-x64", "buildtype/debug", "stdlib/mine"]);
    let composer = composer.variable("compiler_version", "17");
    let warning = "stdlib/mine needs clang 17 or later, and base/clang doesn't say its version";
    assert_eq!(composer.compose(&unsaid).unwrap().warnings, [warning]);
}

#[test]
fn what_layers_preload_and_configure_is_added_to() {
    let (_root, catalogue) = project(&[("stdlib/mine.yaml", MINE)]);
    let mut layers = stack(&[&HEAD[..], &["stdlib/mine", "allocator/jemalloc"]].concat());
    layers[4].method = Some(Method::LdPreload);
    layers[4].options = BTreeMap::from([("prof".to_owned(), "true".to_owned())]);
    let composition = Composer::new(catalogue).variable("toolchain_root", "/opt").compose(&layers).unwrap();
    assert_eq!(composition.runtime_environment["LD_PRELOAD"], "libjemalloc.so.2:libmine.so");
    assert_eq!(composition.runtime_environment["MALLOC_CONF"], "abort_conf:true,prof:true");
}
