//! The place of libxalloc.so.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// The variable that names the library where it cannot be found.
pub const VARIABLE: &str = "XALLOC_LIBRARY";
/// The library's file names: the one that cargo makes and by which programs are linked, and the one by which programs need it.
/// Each may be there alone.
const NAMES: &[&str] =
    if cfg!(target_os = "macos") { &["libxalloc.dylib"] } else { &["libxalloc.so", "libxalloc.so.0"] };

/// Returns the path of the library that belongs to this command: the one that the variable XALLOC_LIBRARY names; or the one
/// beside the command, in `lib` next to the command's directory, or in a directory of `lib` for this machine.
///
/// # Errors
/// If it is in none of these places. The message says where it was looked for, and what to do.
pub fn own() -> Result<PathBuf> {
    if let Some(path) = named() {
        if path.is_file() {
            return Ok(std::path::absolute(path)?);
        }
        bail!("{VARIABLE} is {}, and there is no such file; correct it, or unset it", path.display());
    }
    let places = places(&command_directory()?);
    match places.iter().flat_map(|place| NAMES.iter().map(|name| place.join(name))).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "there is no {}; looked for it in {}\n{}, or name it in {VARIABLE}",
            NAMES[0],
            places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
            in_checkout(
                "Build it (cargo build --release), install it (scripts/install)",
                "Install it (its package is libxalloc0)"
            )
        ),
    }
}

/// Returns the directory of this command.
///
/// # Errors
/// The system does not say, such as a Linux without /proc.
pub fn command_directory() -> Result<PathBuf> {
    let why = if cfg!(target_os = "linux") { " (is /proc mounted?)" } else { "" };
    let command = std::env::current_exe().with_context(|| format!("cannot tell where this command is{why}"))?;
    Ok(command.parent().context("this command is in no directory")?.to_owned())
}

/// Returns the sentence that helps: `checkout` if this command is in a checkout of xalloc, which has scripts and sources, or
/// `installed` otherwise.
pub fn in_checkout<'a>(checkout: &'a str, installed: &'a str) -> &'a str {
    let is_checkout = |directory: &Path| directory.join("scripts/cross-build").is_file();
    match command_directory() {
        Ok(directory) if directory.ancestors().any(is_checkout) => checkout,
        _ => installed,
    }
}

/// Returns the path that the variable names.
pub fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn places(directory: &Path) -> Vec<PathBuf> {
    let mut places = vec![directory.to_owned()];
    if let Some(prefix) = directory.parent() {
        let multiarch = format!("lib/{}-linux-gnu", std::env::consts::ARCH);
        places.extend(["lib", "lib64", &multiarch].map(|library| prefix.join(library)));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_beside_the_command_first() {
        let places = places(Path::new("/opt/xalloc/bin"));
        assert_eq!(places[..2], ["/opt/xalloc/bin", "/opt/xalloc/lib"].map(Path::new));
        assert!(places.iter().all(|place| place.starts_with("/opt/xalloc")));
    }
}
