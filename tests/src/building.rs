//! What the tests have cargo build.

use crate::places::{checkout, target};
use std::path::PathBuf;
use std::process::Command;

/// Builds `package` in release mode and returns the path of its product `file`.
pub fn built(package: &str, file: &str) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", package])
        .current_dir(checkout())
        .status()
        .expect("cargo starts");
    assert!(status.success(), "cargo build --release --package {package} failed");
    target().join("release").join(file)
}
