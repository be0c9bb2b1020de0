//! Says why a target is not supported, instead of the hundred errors that its missing modules would be.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    let (system, machine) = (target("OS"), target("ARCH"));
    match system.as_str() {
        "linux" | "macos" => {}
        "windows" => println!(
            "cargo::error=xalloc does not run on Windows. There every C runtime has its own malloc inside its own library, and \
             the loader knows no preload: nothing can be put in malloc's place from outside a program. Build for Linux or \
             macOS, or use an allocator that patches the runtime's code (mimalloc-redirect)"
        ),
        other => println!(
            "cargo::error=xalloc does not run on {other} yet: crates/os/src/linux and crates/os/src/macos show what a port needs"
        ),
    }
    if target("POINTER_WIDTH") != "64" {
        println!("cargo::error=xalloc needs 64-bit pointers: its page map covers 48 bits of addresses");
    }
    if machine != "x86_64" && machine != "aarch64" {
        println!(
            "cargo::error=xalloc does not run on {machine} yet: crates/os/src/arch and crates/os/src/linux show what it needs"
        );
    }
}
