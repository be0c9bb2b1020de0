//! Passes the options to the linker that `interpose!` needs.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=XALLOC_SONAME");
    let macos = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos");
    // The name that a program linked with the library looks for: that of the file that cargo makes, unless scripts/install sets
    // another one.
    let file = env::var("XALLOC_SONAME").unwrap_or(if macos { "libxalloc.dylib" } else { "libxalloc.so" }.into());
    let name = if macos { format!("-install_name,@rpath/{file}") } else { format!("-soname,{file}") };
    println!("cargo::rustc-cdylib-link-arg=-Wl,{name}");
    for flag in if macos { &MACOS[..] } else { &LINUX } {
        println!("cargo::rustc-cdylib-link-arg={flag}");
    }
}

const LINUX: [&str; 6] = [
    // Our constructor runs before all others, so that our fork handlers are registered first.
    "-Wl,-z,initfirst",
    // The library is never unloaded, because threads, fork and other libraries keep pointers into it.
    "-Wl,-z,nodelete",
    // Nothing may be undefined except what libc and the loader have: users would find a missing symbol.
    "-Wl,-z,defs",
    // All symbols are looked up when the library is loaded, and none from inside malloc.
    "-Wl,-z,now",
    "-Wl,-z,relro",
    // The compiler's start files serve C++ destructors and old exception tables. Here they would only touch three pages in
    // every process. What is needed of them is in src/lib.rs.
    "-nostartfiles",
];

// dyld never unloads an inserted library, and binds all its symbols before it runs (dyld 4, macOS 12).
const MACOS: [&str; 1] = [
    // Rust's libc crate asks for libiconv, of which nothing is used.
    "-Wl,-dead_strip_dylibs",
];
