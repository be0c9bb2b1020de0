//! Where the sources are, and where cargo builds.

use std::path::{Path, PathBuf};

/// The checkout: the directory that holds the workspace's `Cargo.toml`.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is inside the checkout")
}

/// Returns where cargo builds, which sees a relative `CARGO_TARGET_DIR` from the checkout: there it is started.
pub fn target() -> PathBuf {
    checkout().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
