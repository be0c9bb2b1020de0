//! Reading profiles. Whatever the bytes are, what comes of them is a profile or a line about the first mistake.

mod gperftools;
mod heap_v2;
mod lines;
mod maps;
mod problem;

pub use heap_v2::MAPPINGS;
pub use maps::BUILD_ID;
pub use problem::Problem;

use crate::Profile;

/// Returns the profile that is in a file with these bytes: jemalloc's and xalloc's `heap_v2`, or the older text of gperftools.
///
/// # Errors
/// It is no profile, or a line of it is wrong.
pub fn read(bytes: &[u8]) -> Result<Profile, Problem> {
    if bytes.is_empty() {
        Err(Problem::Empty)
    } else if bytes.starts_with(heap_v2::HEADER.as_bytes()) {
        heap_v2::read(bytes)
    } else if bytes.starts_with(gperftools::HEADER.as_bytes()) {
        gperftools::read(bytes)
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        Err(Problem::Compressed)
    } else {
        Err(Problem::Foreign)
    }
}

#[cfg(test)]
mod tests;
