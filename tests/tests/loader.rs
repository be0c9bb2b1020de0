//! The library and the loader: other preloaded libraries, modules that come and go, being opened late, audit.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{configure, fixture, has, library, plain, preloaded, succeed};

const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("behind_a_library_that_hooks_system_calls", || preload_with_hooks("{hooks} {xalloc}")),
        Trial::test("before_a_library_that_hooks_system_calls", || preload_with_hooks("{xalloc} {hooks}")),
        Trial::test("under_an_audit_library", under_an_audit_library),
        Trial::test("a_thread_with_a_stale_vector", || in_loader("stale_vector", &modules(30, &[]))),
        Trial::test("modules_that_come_and_go", || in_loader("open_and_close", &modules(3, &[]))),
        Trial::test("exit_handlers", || in_loader("exit_handlers", &[])),
        Trial::test("a_plugin_throws_bad_alloc", || in_loader("plugin", &[throwing_module()])),
        Trial::test("exceptions_while_modules_come_and_go", || {
            in_loader("exceptions_and_modules", &[vec![throwing_module()], modules(3, &[])].concat())
        }),
        Trial::test("opened_late_100_times", opened_late),
        Trial::test("opened_by_python", opened_by_python),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn quietly(command: &mut Command) -> Result<(), Failed> {
    let output = succeed(command, LIMIT)?;
    if output.stderr.is_empty() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}

fn preload_with_hooks(order: &str) -> Result<(), Failed> {
    let hooks = fixture("hooks.c", &["-shared", "-fPIC"]);
    let list = order.replace("{hooks}", &hooks.to_string_lossy()).replace("{xalloc}", &library().to_string_lossy());
    for script in ["true", "ls /"] {
        quietly(preloaded("bash", "").args(["-c", script]).env("LD_PRELOAD", &list))?;
    }
    if !has("python3") {
        return Ok(());
    }
    let script = "import threading; print(len([str(i) for i in range(100000)]))";
    quietly(preloaded("python3", "").args(["-c", script]).env("LD_PRELOAD", &list))
}

fn under_an_audit_library() -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    let audit = fixture("audit.c", &["-shared", "-fPIC"]);
    quietly(preloaded("python3", "").args(["-c", "print(1)"]).env("LD_AUDIT", audit))
}

/// Copies of the module with thread-local storage, each its own file, because the loader opens a file once.
fn modules(count: usize, flags: &[&str]) -> Vec<PathBuf> {
    let flags: Vec<&str> = [&["-shared", "-fPIC"], flags].concat();
    let first = fixture("tls_module.c", &flags);
    (0..count)
        .map(|index| {
            let copy = first.with_extension(format!("{index}.so"));
            std::fs::copy(&first, &copy).expect("a copy");
            copy
        })
        .collect()
}

fn throwing_module() -> PathBuf {
    fixture("throwing_module.cpp", &["-shared", "-fPIC"])
}

fn in_loader(way: &str, modules: &[PathBuf]) -> Result<(), Failed> {
    let program = fixture("loader.c", &[]);
    quietly(preloaded(program, "").arg(way).args(modules))
}

fn opened_late() -> Result<(), Failed> {
    let program = fixture("loader.c", &[]);
    let modules = modules(10, &["-DMODEL=\"initial-exec\""]);
    let mut command = plain(program);
    configure(&mut command, "");
    quietly(command.arg("open_allocator").arg(library()).args(modules))
}

fn opened_by_python() -> Result<(), Failed> {
    if !has("python3") {
        return Ok(());
    }
    let script = format!(
        "import ctypes\nlib = ctypes.CDLL('{}')\nlib.malloc.restype = ctypes.c_void_p\nlib.malloc.argtypes = [ctypes.c_size_t]\n\
         lib.free.argtypes = [ctypes.c_void_p]\nfor i in range(1000): lib.free(lib.malloc(i * 100))",
        Path::new(library()).display()
    );
    let mut command = plain("python3");
    configure(&mut command, "");
    quietly(command.args(["-c", &script]))
}
