//! Tells the linker what `interpose!` asks of it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for flag in [
        // Our constructor before all others, so that our fork handlers are registered first.
        "-z,initfirst",
        // Threads, fork and other libraries keep pointers into us: unloading would leave them dangling.
        "-z,nodelete",
        // Nothing may be undefined but what libc and the loader have: a missing symbol would be found by users.
        "-z,defs",
        // No symbol is looked up lazily, from inside malloc.
        "-z,now",
        "-z,relro",
        "-soname,libxalloc.so.0",
    ] {
        println!("cargo::rustc-cdylib-link-arg=-Wl,{flag}");
    }
    // The compiler's start files serve C++ destructors and old exception tables; here they would only touch three pages
    // in every process. What of them is needed is in src/lib.rs.
    println!("cargo::rustc-cdylib-link-arg=-nostartfiles");
}
