//! Compiles the promises, and the module that one of them opens.

use std::path::{Path, PathBuf};

/// What every source is compiled with. `-fno-builtin`: the compiler would leave out pairs of malloc and free.
const FLAGS: &[&str] = &["-fno-builtin", "-pthread", "-Wall"];

fn main() {
    println!("cargo::rerun-if-changed=promises");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).expect("cargo sets it");
    if target("OS") != "linux" || target("ENV") != "gnu" {
        println!("cargo::error=xalloc-check is for Linux with glibc; leave it out: --workspace --exclude xalloc-check");
        return;
    }
    if build().cpp(true).get_compiler().to_command().arg("--version").output().is_err() {
        println!(
            "cargo::error=xalloc-check needs a C++ compiler: install g++ (Debian, Ubuntu: apt-get install g++), or leave it \
             out: cargo build --release -p xalloc -p xalloc-cli"
        );
        return;
    }
    build()
        .define("FOREIGN_MODULE", format!("\"{}\"", module().display()).as_str())
        .files(sources("c").filter(|path| !path.ends_with("foreign_module.c")))
        .compile("promises");
    build().cpp(true).std("c++17").files(sources("cpp")).compile("promises_cpp");
    // The C++ ones call what the C ones have, and are looked through after them.
    println!("cargo::rustc-link-arg-bins=-lpromises");
}

/// A compiler that leaves the code as it is written, with lines for a debugger.
fn build() -> cc::Build {
    let mut build = cc::Build::new();
    build.opt_level(1).debug(true);
    // It is what is to be tried.
    build.flag_if_supported("-Wno-use-after-free");
    for flag in FLAGS {
        build.flag(flag);
    }
    build
}

fn sources(extension: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir("promises").expect("the sources are there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.filter(move |path| path.extension().is_some_and(|found| found == extension))
}

/// A shared library, which the cc crate does not make.
fn module() -> PathBuf {
    let output = Path::new(&std::env::var_os("OUT_DIR").expect("cargo sets it")).join("foreign_module.so");
    let mut compiler = build().get_compiler().to_command();
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&output).arg("promises/foreign_module.c");
    let status = compiler.status().expect("the C compiler starts");
    assert!(status.success(), "{compiler:?} failed");
    output
}
