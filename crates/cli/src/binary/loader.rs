//! What the dynamic loader itself says about a program. The program is not started.

use super::{Binary, CLibrary, Finding, Format, Linking, Machine};
use std::path::Path;
use std::process::{Command, Stdio};

/// The directories in which systems have their loaders. A loader elsewhere may be anybody's program, and is not run.
const LOADERS: &[&str] = &["/lib", "/lib32", "/lib64", "/libx32", "/usr/lib", "/usr/lib64", "/nix/store", "/gnu/store"];

/// Finds that the loader does not exist for which the program asks.
pub fn missing_loader(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let loader = binary.interpreter.as_ref().filter(|_| runs_here(binary, machine))?;
    (!loader.exists()).then(|| {
        Finding::obstacle(
            "missing-loader",
            format!("It asks for the loader {}, which does not exist: it does not start at all.", loader.display()),
            "Install the C library that it was built for, or build it for this system.",
        )
    })
}

/// Finds that a library is missing which the program needs.
pub fn missing_library(binary: &Binary, machine: &Machine) -> Option<Finding> {
    let loader = binary.interpreter.as_ref().filter(|_| runs_here(binary, machine))?;
    if binary.linking != Linking::Dynamic || !is_the_systems(loader) {
        return None;
    }
    let missing = not_found(loader, binary)?;
    Some(Finding::obstacle(
        "missing-library",
        format!("The loader does not find {}: it does not start at all.", missing.join(", ")),
        "Install what is missing, or name its directory in LD_LIBRARY_PATH.",
    ))
}

/// Returns whether a loader is one of the system's, after links in its path were followed.
fn is_the_systems(loader: &Path) -> bool {
    let Ok(loader) = loader.canonicalize() else { return false };
    LOADERS.iter().filter_map(|directory| Path::new(directory).canonicalize().ok()).any(|real| loader.starts_with(real))
}

/// Returns the libraries that the loader does not find; `None` if it finds all of them, or does not say.
fn not_found(loader: &Path, binary: &Binary) -> Option<Vec<String>> {
    let mut command = Command::new(loader);
    // In either way of asking, the program is not started.
    match binary.c_library? {
        CLibrary::Glibc => command.env("LD_TRACE_LOADED_OBJECTS", "1"),
        CLibrary::Musl => command.arg("--list"),
        CLibrary::Bionic | CLibrary::LibSystem => return None,
    };
    // It gets the real path: $ORIGIN is the directory of the file that the kernel executes (/proc/self/exe) and not of a link
    // to it, and a loader that is started as a program knows only the path that it is given.
    command.arg(binary.path.canonicalize().ok()?).env_remove("LD_PRELOAD").stdin(Stdio::null());
    let output = command.output().ok()?;
    let (listed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let glibc = listed.lines().filter_map(|line| line.trim().strip_suffix(" => not found"));
    let musl = errors.lines().filter_map(|line| line.strip_prefix("Error loading shared library ")?.split(':').next());
    let mut missing: Vec<String> = glibc.chain(musl).map(str::to_owned).collect();
    missing.sort();
    missing.dedup();
    (!missing.is_empty()).then_some(missing)
}

fn runs_here(binary: &Binary, machine: &Machine) -> bool {
    binary.format == Format::Elf && cfg!(target_os = "linux") && binary.processor == machine.processor
}
