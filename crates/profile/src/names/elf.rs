//! What a file says of itself, as far as it is needed to find its names.

use object::{Object, ObjectSection, ObjectSegment};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// The facts about a program, a library, or a file with their debug information.
pub struct Elf {
    /// The build-id; empty if it has none.
    pub build_id: Vec<u8>,
    /// Whether it has debug information itself.
    pub has_debug: bool,
    /// The name of the file with its debug information, and that file's checksum.
    pub debug_link: Option<(Vec<u8>, u32)>,
    /// The path of a file with what the debug information of several files has in common, and that file's build-id.
    pub alternative: Option<(Vec<u8>, Vec<u8>)>,
    /// For each loaded part of the file, where it is there, and its address.
    segments: Vec<(Range<u64>, u64)>,
}

impl Elf {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no ELF file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = map(path)?;
        let file = object::File::parse(&*bytes).map_err(io::Error::other)?;
        let segments = file.segments().map(|segment| {
            let (offset, size) = segment.file_range();
            (offset..offset.saturating_add(size), segment.address())
        });
        let owned = |(name, other): (&[u8], &[u8])| (name.to_owned(), other.to_owned());
        Ok(Self {
            build_id: file.build_id().ok().flatten().unwrap_or_default().to_owned(),
            has_debug: file.section_by_name(".debug_info").is_some_and(|section| section.size() > 0),
            debug_link: file.gnu_debuglink().ok().flatten().map(|(name, sum)| (name.to_owned(), sum)),
            alternative: file.gnu_debugaltlink().ok().flatten().map(owned),
            segments: segments.collect(),
        })
    }

    /// Returns the address that the byte at `offset` of the file has, if it is loaded.
    pub fn address(&self, offset: u64) -> Option<u64> {
        let (range, address) = self.segments.iter().find(|(range, _)| range.contains(&offset))?;
        Some(address.wrapping_add(offset - range.start))
    }
}

/// Returns the bytes of a regular file. Opening another one could wait for ever.
///
/// # Errors
/// It cannot be read, or is no regular file.
pub fn map(path: &Path) -> io::Result<memmap2::Mmap> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
    // SAFETY: the bytes are only read. Somebody who truncates the file meanwhile ends this process, as every linker's.
    unsafe { memmap2::Mmap::map(&file) }
}
