//! The older text of gperftools, which google-pprof, jeprof and Go's pprof read.
//!
//! ```text
//! heap profile:     53:    38236 [  5525:  1284029] @ heap_v2/524288
//!      3:  1572880 [     7:  3670016] @ 0x5f1e2a 0x5f1c03
//!
//! MAPPED_LIBRARIES:
//! …
//! ```
//! Behind the first line's `@` stands how it was sampled: `heap_v2/INTERVAL`, or `heapprofile` for all allocations.

use super::lines::{Lines, decimal, shown};
use super::problem::Problem;
use super::{heap_v2, maps};
use crate::{Profile, Stack};

/// What the first line begins with.
pub const HEADER: &str = "heap profile:";

/// Returns the profile of a file that begins with [`HEADER`].
pub fn read(bytes: &[u8]) -> Result<Profile, Problem> {
    let mut lines = Lines::new(bytes);
    let header = lines.next().unwrap_or_default();
    let kind = header.rsplit(|&byte| byte == b'@').next().unwrap_or_default().trim_ascii();
    let interval = match kind {
        b"heapprofile" => Some(0),
        kind => kind.strip_prefix(heap_v2::HEADER.as_bytes()).and_then(decimal),
    };
    let interval = interval.ok_or_else(|| {
        lines.wrong(format!("{} is no sampling that is known: heapprofile, heap_v2/INTERVAL", shown(kind)))
    })?;
    let mut stacks = Vec::new();
    while let Some(line) = lines.next() {
        if line == heap_v2::MAPPINGS.as_bytes() {
            return Ok(Profile { interval, stacks, mappings: maps::read(&mut lines)? });
        }
        if !line.is_empty() {
            let stack = stack(line).ok_or_else(|| lines.wrong(format!("{} is no stack", shown(line))))?;
            stacks.push(stack);
        }
    }
    Err(lines.truncated())
}

fn stack(line: &[u8]) -> Option<Stack> {
    let at = line.iter().position(|&byte| byte == b'@')?;
    Some(Stack { addresses: heap_v2::addresses(&line[at + 1..])?, counts: heap_v2::counts(&line[..at])? })
}
