//! libxalloc.a and xalloc.h, as programs find them: built, installed, linked beside everything else.

use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;
use xalloc_tests::{checkout, fixture, has, plain, run, scratch, succeed};

const LIMIT: Duration = Duration::from_secs(120);

/// Runs a script of the checkout from another directory, [`scratch`]; its output, if it ended well.
fn script(name: &str, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Output {
    let mut command = Command::new(checkout().join("scripts").join(name));
    command.args(arguments).current_dir(scratch()).env_remove("XALLOC_PREFIX").envs(environment.iter().copied());
    let output = command.output().expect("the script starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A directory with libxalloc.a and its header, and copies with the prefixes `one` and `two`.
fn libraries() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = scratch().join("libraries");
        // As seen from where the script is called.
        for prefix in ["xalloc", "one", "two"] {
            script("static-library", &["--prefix", prefix, "--output", "libraries"], &[]);
        }
        directory
    })
}

/// A fixture linked with copies of the library.
fn program(source: &str, names: &[&str], more: &[&str]) -> PathBuf {
    let include = format!("-I{}", libraries().display());
    let files: Vec<String> =
        names.iter().map(|name| libraries().join(format!("lib{name}.a")).display().to_string()).collect();
    let flags: Vec<&str> = std::iter::once(include.as_str()).chain(files.iter().map(String::as_str)).collect();
    fixture(source, &[flags.as_slice(), more].concat())
}

fn says_ok(command: &mut Command) {
    let output = run(command, LIMIT).expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.ends_with("ok\n"), "{command:?}: {output:?}");
}

#[test]
fn only_its_own_names_are_visible() {
    for prefix in ["xalloc", "one"] {
        let library = libraries().join(format!("lib{prefix}.a"));
        let output = Command::new("nm").args(["-g", "--defined-only"]).arg(library).output().expect("nm starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
        let header = std::fs::read_to_string(libraries().join(format!("{prefix}.h"))).expect("the header");
        assert!(names.iter().all(|name| name.starts_with(&format!("{prefix}_"))), "{names:?}");
        assert!(names.iter().all(|name| header.contains(&format!("{name}("))), "{names:?}");
        assert_eq!(names.len(), 33, "{names:?}");
    }
}

#[test]
fn stands_beside_malloc() {
    says_ok(&mut plain(program("prefixed.c", &["xalloc"], &[])));
}

#[test]
fn stands_beside_malloc_in_a_static_program() {
    // Without a warning: the linker has one for every static program that looks for the loader.
    says_ok(&mut plain(program("prefixed.c", &["xalloc"], &["-static", "-Wl,--fatal-warnings"])));
}

#[test]
fn stands_beside_malloc_under_valgrind() {
    if has("valgrind") {
        let mut command = plain("valgrind");
        command.args(["--quiet", "--error-exitcode=9", "--leak-check=no"]);
        says_ok(command.arg(program("prefixed.c", &["xalloc"], &[])));
    }
}

#[test]
fn stands_beside_libxalloc_itself() {
    says_ok(&mut xalloc_tests::preloaded(program("prefixed.c", &["xalloc"], &[]), ""));
}

#[test]
fn serves_containers() {
    for standard in ["-std=c++11", "-std=c++20"] {
        says_ok(&mut plain(program("prefixed_stl.cpp", &["xalloc"], &[standard, "-Wextra", "-Werror"])));
    }
}

/// Also without what the allocator for containers uses, and where somebody includes it as a header of C.
#[test]
fn the_header_is_any_compilers() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = directory.path().join("includes.cpp");
    for (before, after) in [("", ""), ("extern \"C\" {", "}")] {
        let text = format!("{before}\n#include <xalloc.h>\n{after}\nint main() {{ xalloc_free(xalloc_malloc(1)); }}\n");
        std::fs::write(&source, text).expect("written");
        for compiler in ["c++", "clang++"].into_iter().filter(|compiler| has(compiler)) {
            for flag in ["-std=c++98", "-std=c++11", "-std=c++20", "-fno-exceptions"] {
                let mut command = Command::new(compiler);
                command.args(["-fsyntax-only", "-Wall", "-Wextra", "-pedantic", "-Werror", flag]);
                let output =
                    command.arg("-I").arg(checkout().join("exports")).arg(&source).output().expect("it starts");
                assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
            }
        }
    }
}

#[test]
fn copies_with_other_prefixes_stand_beside_each_other() {
    says_ok(&mut plain(program("two_copies.c", &["one", "two"], &[])));
}

/// Threads that used it end after it was closed, when nothing of it may be gone.
#[test]
fn stands_in_a_module_that_is_closed() {
    let module = program("prefixed_module.c", &["xalloc"], &["-shared", "-fPIC"]);
    says_ok(plain(fixture("closes_module.c", &[])).arg(module));
}

/// A Rust static library brings the same runtime symbols that ours must not show.
#[test]
fn stands_beside_a_rust_library() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let source = directory.path().join("other.rs");
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn other() -> usize { vec![1usize; 100].iter().sum() }";
    std::fs::write(&source, code).expect("written");
    let library = directory.path().join("libother.a");
    let status = Command::new("rustc")
        .args(["--edition=2024", "--crate-type=staticlib", "-Cpanic=abort", "-o"])
        .args([&library, &source])
        .status()
        .expect("rustc starts");
    assert!(status.success());
    let library = library.to_str().expect("a path in UTF-8");
    // Whole, so that every symbol of either would meet its double.
    let whole = ["-Wl,--whole-archive", library, "-Wl,--no-whole-archive", "-lm"];
    says_ok(&mut plain(program("prefixed.c", &["xalloc"], &whole)));
}

/// Said by the copy that noticed it.
#[test]
fn a_foreign_block_is_a_mistake() {
    use std::os::unix::process::ExitStatusExt;
    let program = program("prefixed_misuse.c", &["xalloc", "one"], &[]);
    for (arguments, speaker) in [(&[][..], "xalloc: xalloc_free(): 0x"), (&["one"], "one: one_free(): 0x")] {
        let output = run(plain(&program).args(arguments), LIMIT).expect("it ends");
        assert_eq!(output.status.signal(), Some(6), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with(speaker) && said.ends_with("not a block of this heap\n"), "{said}");
    }
}

#[test]
fn heaps_of_the_programs_own() {
    let program = program("prefixed_heaps.c", &["xalloc"], &["-pthread"]);
    says_ok(&mut plain(&program));
    for (mistake, message) in [
        ("twice", "xalloc_heap_free(): ADDRESS: freed before: a block of 112 bytes"),
        ("other", "xalloc_heap_free(): ADDRESS: not a block of this heap"),
        ("interior", "xalloc_heap_free(): ADDRESS: interior pointer: 16 bytes into a block of 112 bytes"),
        ("free", "xalloc_free(): ADDRESS: not a block of this heap"),
        ("global", "xalloc_heap_free(): ADDRESS: not a block of this heap"),
        (
            "interior of a large one",
            "xalloc_heap_free(): ADDRESS: interior pointer: 500000 bytes into a block of 1003520 bytes",
        ),
        ("destroyed twice", "xalloc_heap_destroy(): ADDRESS: not a heap: destroyed before, or never one"),
        ("used when it was destroyed", "xalloc_heap_malloc(): ADDRESS: not a heap: destroyed before, or never one"),
        ("no heap", "xalloc_heap_malloc(): ADDRESS: not a heap: destroyed before, or never one"),
        (
            "block of a heap that was destroyed",
            "xalloc_heap_free(): ADDRESS: free memory of the heap: freed before, or never a block",
        ),
    ] {
        let output = run(plain(&program).arg(mistake), LIMIT).expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let words: Vec<&str> =
            said.split_whitespace().map(|w| if w.starts_with("0x") { "ADDRESS:" } else { w }).collect();
        assert_eq!(words.join(" "), format!("xalloc: {message}"), "{mistake}");
        assert_eq!(output.status.signal(), Some(6), "{mistake}: SIGABRT");
    }
}

/// Links `prefixed.c` as a makefile does that asks pkg-config.
fn by_pkg_config(packages: &Path, directory: &Path) {
    let source = checkout().join("tests/fixtures/prefixed.c");
    let program = directory.join("by_pkg_config");
    let mut command = plain("sh");
    command.args(["-c", "eval \"cc -pthread -o \\\"$1\\\" \\\"$2\\\" $(pkg-config --cflags --libs xalloc)\"", "sh"]);
    command.arg(&program).arg(source).env("PKG_CONFIG_PATH", packages);
    succeed(&mut command, LIMIT).unwrap_or_else(|error| panic!("{error}"));
    says_ok(&mut plain(program));
}

/// Links `prefixed.c` as a CMake project does that finds the package.
fn by_cmake(package: &Path, directory: &Path) {
    let project = directory.join("project");
    std::fs::create_dir(&project).expect("created");
    let text = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(consumer C)\nfind_package(xalloc 0.1 REQUIRED)\n\
         add_executable(consumer {})\ntarget_link_libraries(consumer PRIVATE xalloc::xalloc)\n",
        checkout().join("tests/fixtures/prefixed.c").display()
    );
    std::fs::write(project.join("CMakeLists.txt"), text).expect("written");
    let build = project.join("build");
    // Where an unusual library directory is looked into, cmake must be told.
    let package = format!("-Dxalloc_DIR={}", package.display());
    let configure = ["-S".as_ref(), project.as_os_str(), "-B".as_ref(), build.as_ref(), package.as_ref()];
    for arguments in [&configure[..], &["--build".as_ref(), build.as_ref()]] {
        succeed(plain("cmake").args(arguments), LIMIT).unwrap_or_else(|error| panic!("{error}"));
    }
    says_ok(&mut plain(build.join("consumer")));
}

#[test]
fn pkg_config_and_cmake_find_what_is_installed() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let plainly = root.path().join("usr");
    let oddly = root.path().join("a b & c");
    for (prefix, libdir) in [(&plainly, "lib/somewhere".into()), (&oddly, oddly.join("lib64"))] {
        script("install", &[prefix.to_str().expect("a path in UTF-8")], &[("LIBDIR", libdir.as_os_str())]);
        let libraries = prefix.join(&libdir);
        assert!(libraries.join("libxalloc.a").exists() && prefix.join("bin/xalloc").exists());
        if has("pkg-config") {
            by_pkg_config(&libraries.join("pkgconfig"), prefix);
        }
        if has("cmake") {
            by_cmake(&libraries.join("cmake/xalloc"), prefix);
        }
    }
}

/// What install has put there, and nothing else.
#[test]
fn what_is_installed_can_be_removed() {
    let root = tempfile::tempdir_in(scratch()).expect("a temporary directory");
    let kept = root.path().join("usr/share/man/man1/other.1");
    std::fs::create_dir_all(kept.parent().expect("a directory")).expect("directories");
    std::fs::write(&kept, "of another package").expect("a file");
    // As seen from where the script is called.
    let destination = [("DESTDIR", root.path().file_name().expect("a name"))];
    // Files and directories.
    let there = || {
        let mut list = plain("find");
        let output = succeed(list.arg(root.path()), LIMIT).expect("it lists files");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
    };
    let before = there();
    // Once more, with another name, as for an upgrade: both are removed.
    script("install", &["/usr"], &destination);
    script("install", &["/usr"], &[destination[0], ("XALLOC_PREFIX", "mine".as_ref())]);
    assert!(root.path().join("usr/bin/xalloc").exists() && root.path().join("usr/share/man/man7/libxalloc.7").exists());
    assert!(root.path().join("usr/include/xalloc.h").exists() && root.path().join("usr/include/mine.h").exists());
    script("install", &["--uninstall", "/usr"], &destination);
    assert_eq!(there(), before);
    // A prefix that is made for it goes too.
    script("install", &["/opt"], &destination);
    script("install", &["--uninstall", "/opt"], &destination);
    assert_eq!(there(), before);
    let mut again = plain(checkout().join("scripts/install"));
    let output = run(again.args(["--uninstall", "/usr"]).env("DESTDIR", root.path()), LIMIT).expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

/// Before anything is built or written.
#[test]
fn is_not_installed_where_it_could_not_be_found() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let prefix = root.path().join("usr");
    let odd = root.path().join("a|b");
    for (prefix, libdir) in [(&odd, "lib"), (&prefix, "/elsewhere/lib"), (&prefix, "../lib"), (&prefix, "l'b")] {
        let mut command = plain(checkout().join("scripts/install"));
        let output = run(command.arg(prefix).env("LIBDIR", libdir), LIMIT).expect("it ends");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("scripts/install: "), "{output:?}");
        assert!(!prefix.exists());
    }
}
