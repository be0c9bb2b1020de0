//! The compilers' sanitizers that have a malloc of their own, and the signs of them in a program.

use super::known::{SANITIZERS, Sanitizer};
use super::{Binary, Finding};

/// Finds that a program was built with a sanitizer, which is an obstacle.
pub fn find(binary: &Binary) -> Option<Finding> {
    let Sanitizer { code, name, option, .. } = SANITIZERS.iter().find(|sanitizer| is_in(sanitizer, binary))?;
    Some(Finding::obstacle(
        code,
        format!(
            "It was built with {name}, which replaces malloc with its own. If another malloc comes first, the program ends at once, or {name} finds nothing."
        ),
        format!("Build it without {option}."),
    ))
}

fn is_in(sanitizer: &Sanitizer, binary: &Binary) -> bool {
    let known = |name: &&str| binary.defines(name) || binary.imports.contains(*name);
    let needed = |library: &String| {
        let file = library.rsplit('/').next().unwrap_or(library);
        sanitizer.libraries.iter().any(|beginning| file.starts_with(beginning))
    };
    sanitizer.symbols.iter().any(known) || binary.needed.iter().any(needed)
}
