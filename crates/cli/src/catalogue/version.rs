//! The version of an installed library.

use std::path::Path;
use std::process::{Command, Stdio};

/// Returns the version of the Debian package from which the file came, or the number in the name of the file itself.
pub fn of(path: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    of_package(&real).or_else(|| in_name(real.file_name()?.to_str()?).map(str::to_owned))
}

fn of_package(path: &Path) -> Option<String> {
    let owner = output(Command::new("dpkg-query").arg("--search").arg(path))?;
    let package = owner.split_once(": ")?.0;
    let version = output(Command::new("dpkg-query").args(["--show", "--showformat", "${Version}", package]))?;
    Some(version.trim().to_owned()).filter(|version| !version.is_empty())
}

/// Returns what the program prints, if it exists and succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the number in a file's name: `4.5.9` of `libtcmalloc.so.4.5.9`, `2` of `libjemalloc.2.dylib`.
fn in_name(name: &str) -> Option<&str> {
    let number = match name.split_once(".so.") {
        Some((_, number)) => number,
        None => name.strip_suffix(".dylib")?.split_once('.')?.1,
    };
    number.starts_with(|letter: char| letter.is_ascii_digit()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names() {
        assert_eq!(in_name("libtcmalloc_minimal.so.4.5.9"), Some("4.5.9"));
        assert_eq!(in_name("libjemalloc.2.dylib"), Some("2"));
        assert_eq!(in_name("libxalloc.so"), None);
        assert_eq!(in_name("libxalloc.dylib"), None);
    }
}
