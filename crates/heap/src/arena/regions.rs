//! Address space from the kernel, in regions of whole chunks.

use super::CHUNK;
use crate::metadata::Metadata;
use crate::page_map;
use xalloc_os::pages;

/// The first region. Each later one is a part of all before it, within bounds: address space, not memory, but some count
/// it.
const FIRST: usize = 8 * CHUNK;
const PART: usize = 16;
const SMALLEST: usize = 4 * CHUNK;
const LARGEST: usize = 1024 * CHUNK;

/// The regions, and what is left of the newest one.
pub struct Regions {
    /// The chunks of the newest region that were not handed out yet.
    fresh: (usize, usize),
    reserved: usize,
    /// Whether to reserve no more than is asked for.
    exact: bool,
}

impl Regions {
    /// None yet.
    pub const fn new() -> Self {
        Self { fresh: (0, 0), reserved: 0, exact: false }
    }

    /// From now on, reserves one chunk at a time: a system call each, and no address space that is not used.
    pub fn be_exact(&mut self) {
        self.exact = true;
    }

    /// All that was reserved, in bytes.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Makes sure that there is a fresh chunk to [`take`](Self::take), covered by the page map. `None` if there is no
    /// memory.
    pub fn prepare(&mut self, metadata: &Metadata) -> Option<()> {
        if self.fresh.0 == self.fresh.1 {
            let mut size = self.next_size();
            while self.reserve(size, metadata).is_none() {
                if size == CHUNK {
                    return None;
                }
                size /= 2;
            }
        }
        Some(())
    }

    /// The chunk that was prepared.
    pub fn take(&mut self) -> usize {
        let chunk = self.fresh.0;
        self.fresh.0 += CHUNK;
        chunk
    }

    fn next_size(&self) -> usize {
        match self.reserved {
            _ if self.exact => CHUNK,
            0 => FIRST,
            // A power of two, so that it can be halved down to one chunk.
            reserved => (reserved / PART).next_power_of_two().clamp(SMALLEST, LARGEST),
        }
    }

    fn reserve(&mut self, size: usize, metadata: &Metadata) -> Option<()> {
        let first_of_all = self.reserved == 0 && !self.exact;
        // The first region's ends become metadata, of which a process needs some. Later ones are cut to size.
        let length = if first_of_all { size } else { size + CHUNK };
        let start = pages::map(length)?;
        let end = start + length;
        let first = pages::round_up(start, CHUNK);
        let last = if first_of_all { (end - 1) & !(CHUNK - 1) } else { first + size };
        if first >= last || !page_map::cover(first, last - first) {
            give_up(start, end);
            return None;
        }
        if first_of_all {
            metadata.donate(start, first - start);
            metadata.donate(last, end - last);
        } else {
            give_up(start, first);
            give_up(last, end);
        }
        self.fresh = (first, last);
        self.reserved += last - first;
        Some(())
    }
}

/// Unmaps what nobody has seen. If the kernel keeps it, only address space is lost.
fn give_up(start: usize, end: usize) {
    if start < end {
        // SAFETY: just mapped by the caller.
        let _ = unsafe { pages::unmap(start, end - start) };
    }
}
