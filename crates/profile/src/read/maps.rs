//! The end of a profile: what was mapped, as `/proc/PID/maps` has it, and the build-ids of the files, if they are there.

use super::lines::{Lines, decimal, hexadecimal, shown};
use super::problem::Problem;
use crate::Mapping;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a line with a build-id begins with. Other readers of profiles pass over it.
pub const BUILD_ID: &str = "build-id ";

/// Returns the mappings of the lines that are left, by address.
pub fn read(lines: &mut Lines<'_>) -> Result<Vec<Mapping>, Problem> {
    let mut mappings: Vec<Mapping> = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix(BUILD_ID.as_bytes()) {
            set_build_id(&mut mappings, rest).ok_or_else(|| lines.wrong(format!("{} is no build-id", shown(line))))?;
        } else if !line.is_empty() {
            let mapping = mapping(line).ok_or_else(|| lines.wrong(format!("{} is no mapping", shown(line))))?;
            if mappings.last().is_some_and(|before| before.end > mapping.start) {
                return Err(lines.wrong("the mapping begins before the end of the one above it"));
            }
            mappings.push(mapping);
        }
    }
    Ok(mappings)
}

/// Returns the mapping of `55f0-55f8 r-xp 00001000 fe:00 4711   /usr/bin/server`. The path is all that is left, and may be
/// empty.
fn mapping(line: &[u8]) -> Option<Mapping> {
    let (addresses, rest) = word(line)?;
    let (rights, rest) = word(rest)?;
    let (offset, rest) = word(rest)?;
    let (device, rest) = word(rest)?;
    let (inode, path) = word(rest)?;
    let minus = addresses.iter().position(|&byte| byte == b'-')?;
    let text = |bytes: &[u8]| str::from_utf8(bytes).ok().map(str::to_owned);
    let mapping = Mapping {
        start: hexadecimal(&addresses[..minus])?,
        end: hexadecimal(&addresses[minus + 1..])?,
        rights: text(rights)?,
        offset: hexadecimal(offset)?,
        device: text(device)?,
        inode: decimal(inode)?,
        path: Path::new(OsStr::from_bytes(path)).to_owned(),
        build_id: None,
    };
    (mapping.start < mapping.end).then_some(mapping)
}

/// Gives all mappings of a file its build-id. `rest` is the id in hexadecimal, and the path.
fn set_build_id(mappings: &mut [Mapping], rest: &[u8]) -> Option<()> {
    let (id, path) = word(rest)?;
    let id: Option<Vec<u8>> =
        id.chunks(2).map(|pair| (pair.len() == 2).then(|| hexadecimal(pair))?.map(|byte| byte as u8)).collect();
    let id = id.filter(|id| !id.is_empty())?;
    let its = mappings.iter_mut().filter(|mapping| mapping.path.as_os_str().as_bytes() == path);
    its.for_each(|mapping| mapping.build_id = Some(id.clone()));
    Some(())
}

/// Returns the first word of a text and what is behind it, without space before that.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    (end > 0).then(|| (&text[..end], text[end..].trim_ascii_start()))
}
