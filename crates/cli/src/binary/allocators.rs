//! Allocators that a program brings along: linked in, for everyone or for itself only, or as a library that it asks for.

use super::known::{ALLOCATORS, Allocator, RUST_GLOBAL_ALLOCATOR};
use super::{Binary, Finding, Linking, sanitizers};

/// Finds a malloc that the program itself defines and exports.
pub fn exported(binary: &Binary) -> Option<Finding> {
    let defines = binary.exports.contains("malloc") || binary.exports.contains("free");
    (is_asked(binary) && defines).then(|| {
        Finding::obstacle(
            "own-allocator",
            format!(
                "It defines malloc itself{}; what a program defines comes before what is preloaded.",
                named(binary)
            ),
            "Build it without its allocator, as its documentation tells (Rust: remove the #[global_allocator]).",
        )
    })
}

/// Finds a malloc that the program itself defines and does not export.
pub fn hidden(binary: &Binary) -> Option<Finding> {
    let hidden = binary.hidden.contains("malloc") && binary.hidden.contains("free");
    (is_asked(binary) && hidden && exported(binary).is_none()).then(|| {
        Finding::warning(
            "hidden-allocator",
            format!(
                "It has functions malloc and free of its own{}, bound when it was linked: if the whole program uses these, only its libraries use a preloaded malloc.",
                named(binary)
            ),
            "xalloc doctor --run shows how much time is left in the preloaded malloc; if it is none, build the program without its allocator.",
        )
    })
}

/// Finds an allocator under names of its own, beside malloc.
pub fn private(binary: &Binary) -> Option<Finding> {
    let name = inside(binary).filter(|_| is_asked(binary) && exported(binary).is_none() && hidden(binary).is_none())?;
    Some(Finding::note(
        "private-allocator",
        format!(
            "It contains {name} under names of its own: what it allocates by them stays with {name}, the rest goes to the preloaded malloc."
        ),
        "xalloc doctor --run shows how much time is left in malloc; if it is little, build the program without that allocator.",
    ))
}

/// Finds traces of an allocator in a stripped program.
pub fn traces(binary: &Binary) -> Option<Finding> {
    let name = binary.messages.first()?;
    let known = exported(binary).is_some() || hidden(binary).is_some() || private(binary).is_some();
    (is_asked(binary) && !known).then(|| {
        Finding::note(
            "allocator-traces",
            format!("It is stripped and contains a message of {name}: an allocator may be hidden in it, which the file alone cannot prove."),
            "xalloc doctor --run shows whether the program calls the preloaded malloc.",
        )
    })
}

/// Finds an allocator among the libraries that the program needs.
pub fn needed(binary: &Binary) -> Option<Finding> {
    let (library, allocator) = binary.needed.iter().find_map(|library| Some((library, of_library(library)?)))?;
    let takes = |name: &&str| binary.imports.contains(*name) || binary.optional_imports.contains(*name);
    let uses: Vec<&str> = allocator.symbols.iter().copied().filter(takes).collect();
    let more = match uses.as_slice() {
        [] => String::new(),
        names => format!(" It also calls {}: only that library has it, so these calls stay there.", names.join(", ")),
    };
    Some(Finding::note(
        "needed-allocator",
        format!("It asks for {library} ({}). What is preloaded comes first and wins.{more}", allocator.name),
        "Nothing has to be done; compare with the library it asks for, not only with the system's malloc.",
    ))
}

/// Returns whether these findings apply. They do not to static programs, which contain the C library's malloc, nor to
/// sanitizers, which have their own; those are other findings.
fn is_asked(binary: &Binary) -> bool {
    binary.linking == Linking::Dynamic && sanitizers::find(binary).is_none()
}

fn inside(binary: &Binary) -> Option<&'static str> {
    let defines = |allocator: &&Allocator| allocator.symbols.iter().any(|name| binary.defines(name));
    let rust = || binary.hidden.iter().any(|name| name.contains(RUST_GLOBAL_ALLOCATOR));
    ALLOCATORS.iter().find(defines).map(|it| it.name).or_else(|| rust().then_some("a Rust #[global_allocator]"))
}

fn named(binary: &Binary) -> String {
    inside(binary).map_or(String::new(), |name| format!(" ({name}, linked in)"))
}

fn of_library(library: &str) -> Option<&'static Allocator> {
    let file = library.rsplit('/').next().unwrap_or(library);
    ALLOCATORS.iter().find(|allocator| allocator.libraries.iter().any(|beginning| file.starts_with(beginning)))
}
