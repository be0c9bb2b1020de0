//! Tells the linker what `interpose!` asks of it.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=XALLOC_SONAME");
    let macos = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos");
    // The name that a program linked with the library looks for. By default the file that cargo makes; scripts/install sets
    // another one.
    let file = env::var("XALLOC_SONAME").unwrap_or(if macos { "libxalloc.dylib" } else { "libxalloc.so" }.into());
    let name = if macos { format!("-install_name,@rpath/{file}") } else { format!("-soname,{file}") };
    println!("cargo::rustc-cdylib-link-arg=-Wl,{name}");
    for flag in if macos { &MACOS[..] } else { &LINUX } {
        println!("cargo::rustc-cdylib-link-arg={flag}");
    }
}

const LINUX: [&str; 6] = [
    // Our constructor before all others, so that our fork handlers are registered first.
    "-Wl,-z,initfirst",
    // Threads, fork and other libraries keep pointers into us: unloading would leave them dangling.
    "-Wl,-z,nodelete",
    // Nothing may be undefined but what libc and the loader have: a missing symbol would be found by users.
    "-Wl,-z,defs",
    // No symbol is looked up lazily, from inside malloc.
    "-Wl,-z,now",
    "-Wl,-z,relro",
    // The compiler's start files serve C++ destructors and old exception tables; here they would only touch three pages in
    // every process. What of them is needed is in src/lib.rs.
    "-nostartfiles",
];

// dyld never unloads an inserted library, and binds all its symbols before it runs (dyld 4, macOS 12).
const MACOS: [&str; 1] = [
    // Rust's libc crate asks for libiconv, of which nothing is used.
    "-Wl,-dead_strip_dylibs",
];
