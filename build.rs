//! Tells the linker what `interpose!` asks of it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let flags: &[&str] = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("macos") => &MACOS,
        _ => &LINUX,
    };
    for flag in flags {
        println!("cargo::rustc-cdylib-link-arg={flag}");
    }
}

const LINUX: [&str; 7] = [
    // Our constructor before all others, so that our fork handlers are registered first.
    "-Wl,-z,initfirst",
    // Threads, fork and other libraries keep pointers into us: unloading would leave them dangling.
    "-Wl,-z,nodelete",
    // Nothing may be undefined but what libc and the loader have: a missing symbol would be found by users.
    "-Wl,-z,defs",
    // No symbol is looked up lazily, from inside malloc.
    "-Wl,-z,now",
    "-Wl,-z,relro",
    "-Wl,-soname,libxalloc.so.0",
    // The compiler's start files serve C++ destructors and old exception tables; here they would only touch three pages in
    // every process. What of them is needed is in src/lib.rs.
    "-nostartfiles",
];

// dyld never unloads an inserted library, and binds all its symbols before it runs (dyld 4, macOS 12).
const MACOS: [&str; 2] = [
    "-Wl,-install_name,@rpath/libxalloc.0.dylib",
    // Rust's libc crate asks for libiconv, of which nothing is used.
    "-Wl,-dead_strip_dylibs",
];
