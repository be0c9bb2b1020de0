//! Where libxalloc.so is.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};

/// Names the library where it cannot be found.
pub const VARIABLE: &str = "XALLOC_LIBRARY";
const NAME: &str = if cfg!(target_os = "macos") { "libxalloc.dylib" } else { "libxalloc.so" };

/// The library that belongs to this command: what the variable XALLOC_LIBRARY names; beside the command; in `lib` next to the
/// command's directory, or a directory of `lib` for this machine.
///
/// # Errors
/// If it is at none of these places; the message says where was looked and what to do.
pub fn own() -> Result<PathBuf> {
    if let Some(path) = named() {
        if path.is_file() {
            return Ok(std::path::absolute(path)?);
        }
        bail!("{VARIABLE} is {}, and there is no such file; correct it, or unset it", path.display());
    }
    let places = places(&command_directory()?);
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok(path.clone()),
        None => bail!(
            "there is no {NAME}; looked for {}\nBuild it (cargo build --release), install it (scripts/install), or name it in {VARIABLE}",
            places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The directory that this command is in.
///
/// # Errors
/// The system does not tell, as Linux without /proc.
pub fn command_directory() -> Result<PathBuf> {
    let why = if cfg!(target_os = "linux") { " (is /proc mounted?)" } else { "" };
    let command = std::env::current_exe().with_context(|| format!("cannot tell where this command is{why}"))?;
    Ok(command.parent().context("this command is in no directory")?.to_owned())
}

/// What the variable names.
pub fn named() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn places(directory: &Path) -> Vec<PathBuf> {
    let mut places = vec![directory.join(NAME)];
    if let Some(prefix) = directory.parent() {
        let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
        places.extend(["lib", "lib64"].map(|library| prefix.join(library).join(NAME)));
        places.push(prefix.join("lib").join(multiarch).join(NAME));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_beside_the_command_first() {
        let places = places(Path::new("/opt/xalloc/bin"));
        assert_eq!(places[0], Path::new("/opt/xalloc/bin").join(NAME));
        assert_eq!(places[1], Path::new("/opt/xalloc/lib").join(NAME));
        assert!(places.iter().all(|place| place.starts_with("/opt/xalloc")));
    }
}
