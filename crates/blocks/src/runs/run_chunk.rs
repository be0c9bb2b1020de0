//! The record of a chunk of runs: which of its pages are free, and where runs start.

use super::bitmap::Bitmap;
use super::margin;
use crate::arena::CHUNK;
use crate::locked::Guarded;
use crate::metadata::Metadata;
use crate::page_map::{Entry, Kind, SLICE};
use crate::single_writer::{Count16, Pointer, Word};

/// The kind of the slices of a chunk of runs in the page map.
pub const KIND: Kind = Kind::ownerless(2);

pub use super::margin::PAGE;
/// The pages of a chunk.
pub const PAGES: usize = CHUNK / PAGE;
const SLICE_PAGES: usize = SLICE / PAGE;
/// The largest run that shares a chunk with another one: two fit, with their margins. A larger one would leave half of the
/// chunk's addresses unused.
pub const MAX: usize = CHUNK / 2 - 2 * PAGE;
/// The largest alignment a run can have.
pub const MAX_ALIGN: usize = 2 << 20;

/// In a run's length: it was freed. Kept for the message about a double free, until something else is there.
pub const FREED: u16 = 1 << 15;

/// The record of a chunk of runs. Apart from each other: what runs' holders may read, and what the shard's lock guards.
pub struct RunChunk {
    /// The first address; 0 while the record has no chunk. Written under the shard's lock while there is no run in the chunk; a
    /// run's holder may read it.
    pub base: Word,
    /// The index of its shard.
    pub shard: usize,
    /// The next record of the shard. Written once, under the shard's lock.
    next: Pointer<RunChunk>,
    /// Which pages are free.
    pages: Guarded<PageSets, Records>,
    /// The length of the run that starts at a page, in pages, with [`FREED`] if it was freed; 0 if none does. Written under
    /// the shard's lock; a run's holder may read its own.
    pub lengths: [Count16; PAGES],
}

/// The records of a shard, in the order of their creation.
pub struct Records {
    first: Option<&'static RunChunk>,
}

/// The pages of a chunk.
pub struct PageSets {
    /// No run of free pages is longer.
    pub longest: usize,
    /// How many pages are not free.
    pub used: usize,
    /// Free pages.
    pub free: Bitmap<{ PAGES / 64 }>,
    /// Pages that were handed out since they were zeros.
    pub dirty: Bitmap<{ PAGES / 64 }>,
    /// Pages that were free and dirty when somebody last looked for what can be purged, and were not handed out since.
    pub aged: Bitmap<{ PAGES / 64 }>,
}

/// A chunk for the holder of its shard's lock.
pub struct LockedChunk<'a> {
    /// The record.
    pub chunk: &'static RunChunk,
    /// Its pages.
    pub pages: &'a mut PageSets,
}

/// A run just handed out.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Its first byte.
    pub start: *mut u8,
    /// Whether it reads as zeros.
    pub zeroed: bool,
}

/// Returns how many pages of a chunk can be in runs. Two are left at the end for [`xalloc_os::pages::is_one_mapping`]: one page
/// that never changes, and one behind it.
pub fn usable_pages() -> usize {
    PAGES - 2 * margin::unit()
}

impl RunChunk {
    /// Returns the record of the chunk of runs that has this entry in the page map.
    pub fn of(entry: Entry) -> &'static Self {
        assert!(entry.kind() == KIND, "the entry is one of a chunk of runs");
        // SAFETY: the record of an entry of this kind is a chunk's, and records live as long as the process.
        unsafe { &*entry.record().cast() }
    }

    /// Returns the next record of the shard.
    pub fn next(&self) -> Option<&'static Self> {
        // SAFETY: null, or a record, which lives as long as the process.
        unsafe { self.next.get().as_ref() }
    }

    /// Returns the page that an address of the chunk lies in.
    pub fn page_at(&self, address: usize) -> Option<usize> {
        let page = address.wrapping_sub(self.base.get()) / PAGE;
        (page < PAGES).then_some(page)
    }

    /// Returns the length in pages of the run that starts at a page; 0 if none does.
    pub fn length(&self, page: usize) -> usize {
        match self.lengths[page].get() {
            length if length & FREED == 0 => length as usize,
            _ => 0,
        }
    }

    /// Returns the length in pages of the run that was freed last of those that started at a page; 0 if none did.
    pub fn freed_length(&self, page: usize) -> usize {
        match self.lengths[page].get() {
            length if length & FREED != 0 => (length & !FREED) as usize,
            _ => 0,
        }
    }
}

impl Records {
    /// Returns no records.
    pub const fn new() -> Self {
        Self { first: None }
    }

    /// Returns the first record.
    pub fn first(&self) -> Option<&'static RunChunk> {
        self.first
    }

    /// Returns all records.
    pub fn iter(&self) -> impl Iterator<Item = &'static RunChunk> + use<> {
        core::iter::successors(self.first, |chunk| chunk.next())
    }

    /// Adds a record without a chunk, for the shard with that index, and returns it. `None` if there is no memory.
    pub fn add(&mut self, shard: usize, metadata: &Metadata) -> Option<&'static RunChunk> {
        let record = metadata.allocate(size_of::<RunChunk>())?.cast::<RunChunk>();
        // SAFETY: zeros of the right size and alignment, for ever, and nobody else's; zeros are valid in every field.
        let chunk = unsafe {
            (*record).shard = shard;
            &*record
        };
        match self.iter().last() {
            Some(last) => last.next.set(record),
            None => self.first = Some(chunk),
        }
        Some(chunk)
    }

    /// Returns the pages of a chunk.
    pub fn pages(&self, chunk: &'static RunChunk) -> &PageSets {
        // SAFETY: a shard's chunks are in no other one's records, which are the key.
        unsafe { chunk.pages.get(self) }
    }

    /// Returns a chunk, to be changed.
    pub fn locked(&mut self, chunk: &'static RunChunk) -> LockedChunk<'_> {
        // SAFETY: as above.
        LockedChunk { chunk, pages: unsafe { chunk.pages.get_mut(self) } }
    }
}

impl PageSets {
    /// Marks free pages as handed out. Whether they read as zeros.
    pub fn take(&mut self, page: usize, count: usize) -> bool {
        let zeroed = self.dirty.none_in(page, count);
        self.used += count;
        self.free.clear_range(page, count);
        self.dirty.set_range(page, count);
        self.aged.clear_range(page, count);
        zeroed
    }

    /// Marks pages as free.
    pub fn put_back(&mut self, page: usize, count: usize) {
        self.used -= count;
        self.free.set_range(page, count);
        // It bounds nothing as long as all that was asked for was found.
        if self.longest < PAGES {
            let (_, merged) = self.free.range_around(page);
            self.longest = self.longest.max(merged);
        }
    }
}

impl LockedChunk<'_> {
    /// Makes this the record of a chunk without runs. Of its slices, those in `dirty` may have pages, and the others read as
    /// zeros.
    pub fn open(&mut self, base: usize, dirty: u64) {
        self.chunk.base.set(base);
        self.pages.longest = PAGES;
        self.pages.free.set_range(0, usable_pages());
        self.pages.dirty.clear_range(0, PAGES);
        self.pages.aged.clear_range(0, PAGES);
        for slice in (0..CHUNK / SLICE).filter(|slice| dirty >> slice & 1 != 0) {
            self.pages.dirty.set_range(slice * SLICE_PAGES, SLICE_PAGES);
        }
        // What was freed there before was another block's.
        self.chunk.lengths.iter().for_each(|length| length.set(0));
    }

    /// Leaves the record without its chunk, in which no run is: its address, and which of its slices may have pages.
    pub fn close(&mut self) -> (usize, u64) {
        let is_dirty = |slice: &usize| !self.pages.dirty.none_in(slice * SLICE_PAGES, SLICE_PAGES);
        let dirty = (0..CHUNK / SLICE).filter(is_dirty).fold(0, |all, slice| all | 1 << slice);
        let base = self.chunk.base.get();
        self.chunk.base.set(0);
        self.pages.longest = 0;
        self.pages.free.clear_range(0, PAGES);
        (base, dirty)
    }

    /// Returns whether there is a chunk, and no run in it.
    pub fn is_empty(&self) -> bool {
        self.chunk.base.get() != 0 && self.pages.used == 0
    }

    /// Returns a run of `count` pages that begins at a multiple of `align` pages.
    pub fn allocate(&mut self, count: usize, align: usize) -> Option<Run> {
        let Some(page) = self.pages.free.find(count, align) else {
            // An aligned search may miss runs that an unaligned one finds, so only the latter bounds them.
            if align <= 1 {
                self.pages.longest = count - 1;
            }
            return None;
        };
        let zeroed = self.pages.take(page, count);
        self.chunk.lengths[page].set(count as u16);
        Some(Run { start: (self.chunk.base.get() + page * PAGE) as *mut u8, zeroed })
    }

    /// Takes a run back.
    pub fn release(&mut self, page: usize, length: usize) {
        self.chunk.lengths[page].set(length as u16 | FREED);
        self.pages.put_back(page, length);
    }

    /// Makes a run of `length` pages `wanted` pages long where it is. Returns false if its neighbour is in the way.
    pub fn resize(&mut self, page: usize, length: usize, wanted: usize) -> bool {
        if wanted < length {
            self.pages.put_back(page + wanted, length - wanted);
        } else if wanted > length {
            if page + wanted > PAGES || !self.pages.free.all_in(page + length, wanted - length) {
                return false;
            }
            self.pages.take(page + length, wanted - length);
        }
        self.chunk.lengths[page].set(wanted as u16);
        true
    }
}
