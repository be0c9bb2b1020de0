//! The chunks of a shard: how one comes from the arena, and how it goes back when no run is in it any more.

use super::run_chunk::{KIND, LockedChunk, PageSets, Records, Run, RunChunk};
use crate::arena::{Arena, CHUNK};
use crate::metadata::Metadata;
use crate::page_map::{self, Entry};

/// The chunks of a shard, the oldest record first, so that later ones drain.
pub struct Chunks {
    records: Records,
    /// Whether there may be chunks without runs. They stay until somebody else needs one, so that a program that frees a large
    /// block and allocates one again does not go to the arena each time.
    has_empty: bool,
}

impl Chunks {
    pub const fn new() -> Self {
        Self { records: Records::new(), has_empty: false }
    }

    /// Returns all records, also those without a chunk, in which nothing is free or used.
    pub fn iter(&self) -> impl Iterator<Item = &'static RunChunk> + use<> {
        self.records.iter()
    }

    /// Returns the pages of one of the chunks.
    pub fn pages(&self, chunk: &'static RunChunk) -> &PageSets {
        self.records.pages(chunk)
    }

    /// Returns one of the chunks, to be changed.
    pub fn locked(&mut self, chunk: &'static RunChunk) -> LockedChunk<'_> {
        self.records.locked(chunk)
    }

    /// Returns a run of one of the chunks.
    pub fn allocate(&mut self, count: usize, align: usize) -> Option<Run> {
        let mut next = self.records.first();
        // A loop of its own, which looks at the length here and not in there: a program with many blocks passes many chunks for
        // each.
        while let Some(chunk) = next {
            if self.pages(chunk).longest >= count
                && let Some(run) = self.locked(chunk).allocate(count, align)
            {
                return Some(run);
            }
            next = chunk.next();
        }
        None
    }

    /// Adds a chunk to this shard, the one with that index.
    pub fn open(&mut self, index: usize, arena: &Arena, metadata: &Metadata) -> Option<&'static RunChunk> {
        let chunk = self.vacant_record(index, metadata)?;
        let (base, dirty) = arena.take_chunk()?;
        self.enter(chunk, base, dirty);
        Some(chunk)
    }

    /// Makes a record that of the chunk at `base`, and enters it into the page map.
    fn enter(&mut self, chunk: &'static RunChunk, base: usize, dirty: u64) {
        self.locked(chunk).open(base, dirty);
        let record = core::ptr::from_ref(chunk).cast_mut().cast();
        // SAFETY: the arena covers its chunks, of which this one was taken, and no run is in it; records are for ever.
        unsafe { page_map::set(base, CHUNK, Entry::ownerless(KIND, record)) };
    }

    fn vacant_record(&mut self, index: usize, metadata: &Metadata) -> Option<&'static RunChunk> {
        let vacant = self.iter().find(|chunk| chunk.base.get() == 0);
        vacant.or_else(|| self.records.add(index, metadata))
    }

    /// Notes that a chunk lost a run.
    pub fn note_empty(&mut self, chunk: &'static RunChunk) {
        self.has_empty |= self.locked(chunk).is_empty();
    }

    /// Gives chunks without runs to the arena, `most` at most. Returns how many it gave.
    pub fn release_empty(&mut self, most: usize, arena: &Arena, metadata: &Metadata) -> usize {
        let mut given = 0;
        if !core::mem::take(&mut self.has_empty) {
            return given;
        }
        for chunk in self.iter() {
            if self.locked(chunk).is_empty() {
                if given < most && self.give(chunk, arena, metadata) {
                    given += 1;
                } else {
                    self.has_empty = true;
                    break;
                }
            }
        }
        given
    }

    /// Gives a chunk without runs to the arena. Returns false if there is no memory for its record there: it stays.
    fn give(&mut self, chunk: &'static RunChunk, arena: &Arena, metadata: &Metadata) -> bool {
        let (base, dirty) = self.locked(chunk).close();
        // SAFETY: the arena covers its chunks, of which this one was taken, and no run is in it.
        let given = unsafe {
            page_map::set(base, CHUNK, Entry::NONE);
            arena.give_chunk(base, dirty, metadata)
        };
        if !given {
            self.enter(chunk, base, dirty);
        }
        given
    }
}
