//! jemalloc's text, `heap_v2/INTERVAL`, which xalloc writes too.
//!
//! ```text
//! heap_v2/524288
//!   t*: 28106: 56637512 [0: 0]
//!   t0: 28106: 56637512 [0: 0]
//! @ 0x5f1e2a 0x5f1c03
//!   t*: 3: 1572880 [0: 0]
//!   t0: 3: 1572880 [0: 0]
//!
//! MAPPED_LIBRARIES:
//! …
//! ```
//! `t*` is all threads together; jeprof takes no other line either.

use super::lines::{Lines, decimal, shown};
use super::maps;
use super::problem::Problem;
use crate::{Counts, Profile, Stack};

/// What the first line begins with.
pub const HEADER: &str = "heap_v2/";
/// The line before the mappings.
pub const MAPPINGS: &str = "MAPPED_LIBRARIES:";

/// Returns the profile of a file that begins with [`HEADER`].
pub fn read(bytes: &[u8]) -> Result<Profile, Problem> {
    let mut lines = Lines::new(bytes);
    let header = lines.next().unwrap_or_default();
    let interval = decimal(&header[HEADER.len().min(header.len())..])
        .ok_or_else(|| lines.wrong(format!("{} has no number of bytes between samples", shown(header))))?;
    let stacks = stacks(&mut lines)?;
    Ok(Profile { interval, stacks, mappings: maps::read(&mut lines)? })
}

/// Returns the stacks up to the line before the mappings.
fn stacks(lines: &mut Lines<'_>) -> Result<Vec<Stack>, Problem> {
    let mut stacks = Vec::new();
    // The stack whose line with the counts is still to come.
    let mut open: Option<Vec<u64>> = None;
    while let Some(line) = lines.next() {
        if line == MAPPINGS.as_bytes() {
            return match open {
                None => Ok(stacks),
                Some(_) => Err(lines.wrong("the stack above it has no counts")),
            };
        }
        if let Some(addresses) = line.strip_prefix(b"@") {
            if open.is_some() {
                return Err(lines.wrong("the stack above it has no counts"));
            }
            open = Some(self::addresses(addresses).ok_or_else(|| wrong(lines, line))?);
        } else if let Some(rest) = line.strip_prefix(b"t*:") {
            let counts = counts(rest).ok_or_else(|| wrong(lines, line))?;
            // Before the first stack it is the sum of all.
            stacks.extend(open.take().map(|addresses| Stack { addresses, counts }));
        } else if !line.is_empty() && !line.starts_with(b"t") {
            return Err(wrong(lines, line));
        }
    }
    Err(lines.truncated())
}

/// Returns the addresses of a stack. 0 stands for one that the profiler did not find.
pub fn addresses(text: &[u8]) -> Option<Vec<u64>> {
    let words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let addresses = words.map(|word| word.starts_with(b"0x").then(|| super::lines::hexadecimal(word))?);
    addresses.filter(|address| *address != Some(0)).collect()
}

/// Returns the counts of `3: 1572880 [7: 3670016]`.
pub fn counts(text: &[u8]) -> Option<Counts> {
    let text = text.trim_ascii().strip_suffix(b"]")?;
    let bracket = text.iter().position(|&byte| byte == b'[')?;
    let (live_objects, live_bytes) = pair(&text[..bracket])?;
    let (allocated_objects, allocated_bytes) = pair(&text[bracket + 1..])?;
    Some(Counts { live_objects, live_bytes, allocated_objects, allocated_bytes })
}

fn pair(text: &[u8]) -> Option<(i64, i64)> {
    let colon = text.iter().position(|&byte| byte == b':')?;
    let number = |text: &[u8]| i64::try_from(decimal(text.trim_ascii())?).ok();
    Some((number(&text[..colon])?, number(&text[colon + 1..])?))
}

fn wrong(lines: &Lines<'_>, line: &[u8]) -> Problem {
    lines.wrong(format!("{} is neither a stack nor its counts", shown(line)))
}
