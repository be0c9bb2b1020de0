//! Address space from the kernel, in regions of whole chunks.
//!
//! A region is reserved; its chunks are opened one by one, because limits count what may be written to, and `mlockall` makes
//! it resident.

use super::slices::CHUNK;
use crate::page_map;
use crate::page_map::SLICE;
use crate::source::{Committed, Source};
use xalloc_os::pages;

/// The first region. Each later one is a part of all before it, within bounds: address space, not memory, but some count
/// it.
const FIRST: usize = 8 * CHUNK;
const PART: usize = 16;
const SMALLEST: usize = 4 * CHUNK;
const LARGEST: usize = 1024 * CHUNK;
/// The least that is made of a chunk when the kernel refuses a whole one: what the largest slab needs.
const LEAST: usize = 8 * SLICE;

/// A chunk that is nobody's yet, covered by the page map.
#[derive(Clone, Copy)]
pub struct Fresh {
    /// The first address, a multiple of [`CHUNK`].
    pub base: usize,
    /// How many bytes from there on are memory: all, but where the kernel refuses that.
    pub size: usize,
}

/// The regions, and what is left of the newest one.
pub struct Regions<S> {
    /// Where they are from.
    pub source: S,
    /// The chunks of the newest region that were not opened yet.
    closed: (usize, usize),
    /// The chunk that was opened, until somebody takes it.
    fresh: Option<Fresh>,
    reserved: usize,
    /// How large the first region is.
    first: usize,
    /// Whether to reserve no more than is asked for.
    exact: bool,
    /// The largest region to ask for: less after the kernel has refused.
    largest: usize,
}

impl<S: Source> Regions<S> {
    /// Returns no regions, which will be of `source`.
    pub const fn new(source: S) -> Self {
        Self { source, closed: (0, 0), fresh: None, reserved: 0, first: FIRST, exact: false, largest: LARGEST }
    }

    /// Reserves one chunk at a time from now on: a system call each, and no address space that is not used.
    pub fn reserve_on_demand(&mut self) {
        self.exact = true;
    }

    /// Has the first region be so large, rounded up to a power of two of chunks.
    pub fn set_first(&mut self, bytes: usize) {
        self.first = bytes.clamp(CHUNK, LARGEST).next_power_of_two();
    }

    /// Returns how many bytes are reserved.
    pub fn reserved(&self) -> usize {
        self.reserved
    }

    /// Returns a chunk to [`take`](Self::take); if it need not be `whole`, it may be shorter. `None` if there is no memory.
    pub fn prepare(&mut self, whole: bool) -> Option<Fresh> {
        if self.fresh.is_none() {
            self.fresh = self.open().or_else(|| self.commit_anywhere(if whole { CHUNK } else { LEAST }));
        }
        self.fresh.filter(|fresh| fresh.size == CHUNK || !whole)
    }

    /// Notes that the caller has taken the chunk that was prepared.
    pub fn take(&mut self) {
        self.fresh = None;
    }

    /// Unmaps what no chunk was made of yet. Returns how many bytes that are.
    pub fn unmap_closed(&mut self) -> usize {
        let (start, end) = core::mem::take(&mut self.closed);
        self.reserved -= end - start;
        self.give_up(start, end);
        end - start
    }

    /// Counts a chunk's addresses as not reserved any more: the chunk was unmapped, and its record forgets it.
    pub fn forget_chunk(&mut self) {
        self.reserved -= CHUNK;
    }

    /// Opens the next chunk of the newest region, or of another one.
    fn open(&mut self) -> Option<Fresh> {
        loop {
            if self.closed.0 == self.closed.1 {
                self.reserve_another()?;
            }
            let base = self.closed.0;
            // SAFETY: reserved, and no chunk yet.
            let committed = unsafe { self.source.commit(base, CHUNK) };
            if committed == Committed::Refused {
                return None;
            }
            self.closed.0 += CHUNK;
            if committed == Committed::Yes && self.cover_mapped(base, CHUNK) {
                return Some(Fresh { base, size: CHUNK });
            }
            self.reserved -= CHUNK;
            if committed == Committed::Yes {
                return None;
            }
            // Another thread has mapped something there in between: on to the next one.
        }
    }

    /// Reserves another region, as large as the kernel allows.
    fn reserve_another(&mut self) -> Option<()> {
        let mut size = self.next_size().min(self.largest);
        while self.reserve(size).is_none() {
            if size == CHUNK {
                return None;
            }
            size /= 2;
            // Next time, it will not have more either.
            self.largest = size;
        }
        self.largest = LARGEST.min(2 * self.largest);
        Some(())
    }

    fn next_size(&self) -> usize {
        match self.reserved {
            _ if self.exact => CHUNK,
            0 => self.first,
            // A power of two, so that it can be halved down to one chunk.
            reserved => (reserved / PART).next_power_of_two().clamp(SMALLEST, LARGEST),
        }
    }

    fn reserve(&mut self, size: usize) -> Option<()> {
        // The first region is not cut to size: its ends cost nothing but a few addresses.
        let is_first = self.reserved == 0 && size == self.first;
        let slack = if is_first || S::ALIGN >= CHUNK { 0 } else { CHUNK };
        let length = size + slack;
        let start = self.source.reserve(length)?;
        let end = start + length;
        let first = pages::round_up(start, CHUNK);
        let last = if is_first { end & !(CHUNK - 1) } else { first + size };
        if !is_first {
            self.give_up(start, first);
            self.give_up(last, end);
        }
        self.closed = (first, last);
        self.reserved += last - first;
        Some(())
    }

    /// Returns the start of a chunk anywhere: without slack for its alignment, and as much of it as the kernel allows, `least`
    /// at least.
    fn commit_anywhere(&mut self, least: usize) -> Option<Fresh> {
        let mut size = CHUNK;
        while size >= least {
            if let Some(place) = self.source.reserve(size) {
                self.give_up(place, place + size);
                // The kernel goes downwards, so that there is room below.
                let base = place & !(CHUNK - 1);
                if self.source.map_again(base, size) && self.cover_mapped(base, size) {
                    self.reserved += CHUNK;
                    return Some(Fresh { base, size });
                }
            }
            size /= 2;
        }
        None
    }

    /// Makes the page map able to hold a chunk of which `size` bytes were just mapped; if that fails, unmaps it. Not before it
    /// is mapped: a leaf of the page map takes memory, too, which the kernel may not have for both.
    fn cover_mapped(&self, base: usize, size: usize) -> bool {
        let covered = page_map::cover(base, CHUNK);
        if !covered {
            self.give_up(base, base + size);
        }
        covered
    }

    /// Unmaps what nobody has seen. If the source keeps it, only address space is lost.
    fn give_up(&self, start: usize, end: usize) {
        if start < end {
            // SAFETY: just reserved by the caller.
            let _ = unsafe { self.source.unmap(start, end - start) };
        }
    }
}
