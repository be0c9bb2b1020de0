//! Programs that look as if a preload, or they themselves, could not work, and that run: `xalloc run` starts them.

use super::fixtures::{doctor, finds, plain, with};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use xalloc_tests::{behind, installed, skip};

const NOBODY: u32 = 65534;

fn run() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xalloc"));
    command.arg("run").env("XALLOC_LIBRARY", xalloc_tests::library());
    command.env_remove("LD_PRELOAD").env("XALLOC_CONF", "verbose:true");
    command
}

/// What `xalloc run` says and how it ends; the program must have had the library.
fn runs(program: &Path) -> String {
    had_the_library(&run().arg(program).output().expect("the command starts"))
}

fn had_the_library(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said.contains(": heap fast, program "), "the library's line at start-up is missing: {output:?}");
    said
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("one's own file");
}

/// A program and its library in directories of their own, and links to the program as Debian's java and conda have them.
fn installed_by_origin(directory: &Path) -> PathBuf {
    let (bin, lib, links) = (directory.join("jvm/bin"), directory.join("jvm/lib"), directory.join("links"));
    [&bin, &lib, &links].iter().for_each(|directory| fs::create_dir_all(directory).expect("a directory"));
    let library = with("module.c", &["-shared", "-fPIC", "-Wl,-soname,libmine.so"]);
    fs::copy(&library, lib.join("libmine.so")).expect("a copy");
    let lib = format!("-L{}", lib.display());
    let flags = ["-Wl,--no-as-needed", &lib, "-lmine", "-Wl,-rpath,$ORIGIN/../lib"];
    xalloc_tests::copy(with("program.c", &flags), &bin.join("program"));
    // /usr/bin/java is a link to /etc/alternatives/java, and that is one to the program.
    symlink("../jvm/bin/program", links.join("alternative")).expect("a link");
    symlink("links/alternative", directory.join("java")).expect("a link");
    directory.join("java")
}

#[test]
fn libraries_are_found_from_where_the_program_really_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = installed_by_origin(directory.path());
    finds(&link, &[]);
    runs(&link);
    let compared = Command::new(env!("CARGO_BIN_EXE_xalloc"))
        .args(["compare", "--runs", "1", "--warmup", "1", "-a", "xalloc", "--"])
        .arg(&link)
        .env("XALLOC_LIBRARY", xalloc_tests::library())
        .output()
        .expect("the command starts");
    assert_eq!(compared.status.code(), Some(0), "{compared:?}");
    fs::remove_file(directory.path().join("jvm/lib/libmine.so")).expect("one's own file");
    finds(&link, &["obstacle missing-library"]);
}

#[test]
fn debians_java() {
    let Ok(java) = Path::new("/usr/bin/java").canonicalize() else { return skip("there is no java") };
    assert!(java.starts_with("/usr/lib/jvm"), "{}", java.display());
    finds(Path::new("/usr/bin/java"), &["note jvm-heap"]);
    had_the_library(&run().args(["java", "-version"]).output().expect("the command starts"));
}

/// The kernel and the loader need no table of sections, which stands at the end of the file.
#[test]
fn a_table_of_sections_that_is_cut_off() {
    let program = plain();
    let bytes = fs::read(&program).expect("it was just built");
    fs::write(&program, &bytes[..bytes.len() - 10]).expect("one's own file");
    finds(&program, &["note no-sections"]);
    runs(&program);
}

#[test]
fn a_program_that_only_the_kernel_may_read() {
    if !rustix::process::getuid().is_root() {
        return skip("only the superuser can make a program that it can execute and not read");
    }
    // A place that everyone can reach.
    let directory = tempfile::tempdir().expect("a directory");
    mode(directory.path(), 0o755);
    let [program, command, library] = ["program", "xalloc", "libxalloc.so"].map(|name| directory.path().join(name));
    xalloc_tests::copy(plain(), &program);
    xalloc_tests::copy(env!("CARGO_BIN_EXE_xalloc"), &command);
    xalloc_tests::copy(xalloc_tests::library(), &library);
    mode(&program, 0o711);
    let mut command = Command::new(command);
    command.arg("run").arg(&program).env("XALLOC_LIBRARY", &library).env("XALLOC_CONF", "verbose:true");
    let said = had_the_library(&command.uid(NOBODY).output().expect("the command starts"));
    assert!(said.contains("warning: ") && said.contains("started without being examined"), "{said}");
}

/// A function of that name is only a hint.
#[test]
fn functions_of_its_own_that_are_called_malloc() {
    let program = with("own_malloc.c", &["-DVISIBILITY=\"hidden\""]);
    finds(&program, &["warning hidden-allocator"]);
    assert!(runs(&program).contains("xalloc run: warning: hidden-allocator: "));
}

/// As programs have it that are used with and without a leak checker.
#[test]
fn a_sanitizer_that_may_be_missing() {
    let program = with("program.c", &["-include", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/weak.h")]);
    finds(&program, &[]);
    runs(&program);
}

#[test]
fn an_interpreter_that_env_finds_elsewhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let (bin, script) = (directory.path().join("bin"), directory.path().join("script"));
    fs::create_dir(&bin).expect("a directory");
    xalloc_tests::copy(plain(), &bin.join("my-interpreter"));
    for change in [format!("PATH={}", bin.display()), format!("-C {} PATH=bin", directory.path().display())] {
        fs::write(&script, format!("#!/usr/bin/env -S {change} my-interpreter\n")).expect("a file");
        mode(&script, 0o755);
        runs(&script);
    }
}

#[test]
fn a_loader_that_is_told_the_program() {
    let Some(loader) =
        ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].map(Path::new).into_iter().find(|it| it.exists())
    else {
        return skip("glibc's loader is not where it is expected");
    };
    finds(loader, &["note loader"]);
    had_the_library(&run().arg(loader).arg(plain()).output().expect("the command starts"));
}

/// Where nobody gets other rights, the loader heeds LD_PRELOAD.
#[test]
fn rights_that_a_program_does_not_get() {
    if !rustix::process::getuid().is_root() || !installed("setpriv") {
        return skip("needs the superuser, who can make a program of another user, and setpriv");
    }
    let program = plain();
    std::os::unix::fs::chown(&program, Some(NOBODY), None).expect("the superuser may");
    mode(&program, 0o4755);
    finds(&program, &["obstacle set-uid"]);
    let mut command = run();
    command.arg(&program);
    had_the_library(&behind(&["setpriv", "--no-new-privs"], &command).output().expect("setpriv starts"));
    let mut command = doctor(&[]);
    command.arg(&program);
    let examined = behind(&["setpriv", "--no-new-privs"], &command).output().expect("setpriv starts");
    assert_eq!(examined.status.code(), Some(0), "{examined:?}");
}
