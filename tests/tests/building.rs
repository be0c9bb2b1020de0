//! Libraries are linked as their authors link them: in the profile of everyday work, in a crate outside this workspace.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use xalloc_tests::{checkout, fixture, plain, preloadable, succeed};

/// `cargo build` in a directory, into another.
fn build(directory: &Path, target: &Path, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--offline", "--quiet"]).args(arguments).current_dir(directory);
    let output = command.env("CARGO_TARGET_DIR", target).output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Preloads the library into a program that allocates, and shows no name that belongs to Rust.
fn serves(library: &Path) {
    let mut command = plain("sh");
    command.args(["-c", "ls / && true"]).env("LD_PRELOAD", library);
    let output = succeed(&mut command, Duration::from_secs(60)).unwrap_or_else(|error| panic!("{error}"));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new("nm").args([OsStr::new("-D"), library.as_ref()]).output().expect("nm starts");
    let names = String::from_utf8_lossy(&output.stdout);
    assert!(names.contains(" T malloc\n") && !names.contains("rust"), "{names}");
}

#[test]
fn the_library_in_the_profile_for_development() {
    let target = preloadable();
    build(checkout(), target.path(), &["--package", "xalloc"]);
    serves(&target.path().join("debug/libxalloc.so"));
}

/// A crate of somebody else's in this directory: a `cdylib` with these crates of ours, and no link-time optimisation.
fn outside(directory: &Path, crates: &[&str]) {
    let dependencies: String = crates
        .iter()
        .map(|name| format!("xalloc-{name} = {{ path = {:?} }}\n", checkout().join("crates").join(name)))
        .collect();
    let manifest = format!(
        "[package]\nname = \"another\"\nedition = \"2024\"\n\n[lib]\ncrate-type = [\"cdylib\"]\n\n\
         [dependencies]\n{dependencies}\n[profile.dev]\npanic = \"abort\"\n\n[profile.release]\npanic = \"abort\"\n"
    );
    std::fs::write(directory.join("Cargo.toml"), manifest).expect("written");
    // The versions that are at hand without a network.
    std::fs::copy(checkout().join("Cargo.lock"), directory.join("Cargo.lock")).expect("copied");
    std::fs::create_dir(directory.join("src")).expect("created");
}

/// As README.md says.
#[test]
fn a_heap_of_your_own_outside_the_workspace() {
    let directory = preloadable();
    outside(directory.path(), &["os", "redirect"]);
    for file in ["build.rs", "src/lib.rs"] {
        std::fs::copy(checkout().join("examples/my-heap").join(file), directory.path().join(file)).expect("copied");
    }
    let target = directory.path().join("target");
    for (arguments, profile) in [(&[][..], "debug"), (&["--release"], "release")] {
        build(directory.path(), &target, arguments);
        serves(&target.join(profile).join("libanother.so"));
    }
}

/// As with libxalloc.a: see tests/static_library.rs. And one whose first allocation is late, in one thread of several.
#[test]
fn a_module_on_the_allocator() {
    let directory = preloadable();
    outside(directory.path(), &["global"]);
    let code = "#[global_allocator]\nstatic ALLOCATOR: xalloc_global::Xalloc = xalloc_global::Xalloc;\n\n\
                #[unsafe(no_mangle)]\npub extern \"C\" fn module_malloc(size: usize) -> *mut u8 {\n    \
                vec![0; size].leak().as_mut_ptr()\n}\n";
    std::fs::write(directory.path().join("src/lib.rs"), code).expect("written");
    let target = directory.path().join("target");
    for (arguments, profile) in [(&[][..], "debug"), (&["--release"], "release")] {
        build(directory.path(), &target, arguments);
        for source in ["closes_module.c", "fork_at_first_use.c"] {
            let mut command = plain(fixture(source, &["-rdynamic"]));
            let output = succeed(command.arg(target.join(profile).join("libanother.so")), Duration::from_secs(60));
            output.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
