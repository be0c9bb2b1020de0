//! The chunks of a shard: how one comes from the arena, and how it goes back when no run is in it any more.

use super::run_chunk::{KIND, Run, RunChunk};
use crate::arena::{Arena, CHUNK};
use crate::metadata::Metadata;
use crate::page_map::{self, Entry};
use core::ptr::null_mut;

/// The chunks of a shard, in the order of their records' creation, so that later ones drain.
pub struct Chunks {
    first: *mut RunChunk,
    /// Whether there may be chunks without runs. They stay until somebody else needs one, so that a program that frees a large
    /// block and allocates one again does not go to the arena each time.
    has_empty: bool,
}

// SAFETY: the chunks belong to the shard, not to a thread.
unsafe impl Send for Chunks {}

impl Chunks {
    pub const fn new() -> Self {
        Self { first: null_mut(), has_empty: false }
    }

    /// Returns the first record, or null. Its `next` is written once.
    pub fn first(&self) -> *mut RunChunk {
        self.first
    }

    /// Returns all records, also those without a chunk, in which nothing is free or used.
    pub fn iter(&self) -> impl Iterator<Item = *mut RunChunk> + use<> {
        let present = |chunk: *mut RunChunk| (!chunk.is_null()).then_some(chunk);
        // SAFETY: records are for ever; the links change under the lock that the caller holds.
        core::iter::successors(present(self.first), move |&chunk| present(unsafe { (*chunk).next }))
    }

    /// Returns a run of one of the chunks.
    pub fn allocate(&mut self, count: usize, align: usize) -> Option<Run> {
        let mut chunk = self.first;
        // A loop of its own, which looks at the length here and not in there: a program with many blocks passes many chunks for
        // each.
        while !chunk.is_null() {
            // SAFETY: the shard's lock guards its records, and is held, one reference at a time; records are for ever.
            unsafe {
                if (*chunk).longest >= count
                    && let Some(run) = (*chunk).allocate(count, align)
                {
                    return Some(run);
                }
                chunk = (*chunk).next;
            }
        }
        None
    }

    /// Adds a chunk to this shard, the one with that index.
    pub fn open(&mut self, index: usize, arena: &Arena, metadata: &Metadata) -> Option<*mut RunChunk> {
        let record = self.vacant_record(index, metadata)?;
        let (base, dirty) = arena.take_chunk()?;
        // SAFETY: the shard's lock guards its records, and is held, one reference at a time; the record has no chunk. The arena
        // covers the chunk, which is the caller's now.
        unsafe {
            (*record).open(base, dirty);
            page_map::set(base, CHUNK, Entry::ownerless(KIND, record.cast()));
        }
        Some(record)
    }

    fn vacant_record(&mut self, index: usize, metadata: &Metadata) -> Option<*mut RunChunk> {
        let mut last = null_mut::<RunChunk>();
        for record in self.iter() {
            // SAFETY: the shard's lock guards its records, and is held; as below.
            if unsafe { (*record).base.get() } == 0 {
                return Some(record);
            }
            last = record;
        }
        let record = metadata.allocate(size_of::<RunChunk>())?.cast::<RunChunk>();
        // SAFETY: a zeroed record of the right size, nobody else's; zeros are valid in every field.
        unsafe {
            (*record).shard = index;
            let link = if last.is_null() { &raw mut self.first } else { &raw mut (*last).next };
            *link = record;
        }
        Some(record)
    }

    /// Notes that a chunk lost a run.
    pub fn note_empty(&mut self, chunk: *mut RunChunk) {
        // SAFETY: the shard's lock guards its records, and is held.
        self.has_empty |= unsafe { (*chunk).is_empty() };
    }

    /// Gives chunks without runs to the arena, `most` at most. Returns how many it gave.
    pub fn release_empty(&mut self, most: usize, arena: &Arena, metadata: &Metadata) -> usize {
        let mut given = 0;
        if !core::mem::take(&mut self.has_empty) {
            return given;
        }
        for chunk in self.iter() {
            // SAFETY: the shard's lock guards its records, and is held, one reference at a time.
            if unsafe { (*chunk).is_empty() } {
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
    fn give(&mut self, chunk: *mut RunChunk, arena: &Arena, metadata: &Metadata) -> bool {
        // SAFETY: the shard's lock guards its records, and is held, one reference at a time. The chunk is the arena's, covered,
        // and no run is in it.
        unsafe {
            let (base, dirty) = (*chunk).close();
            page_map::set(base, CHUNK, Entry::NONE);
            let given = arena.give_chunk(base, dirty, metadata);
            if !given {
                (*chunk).open(base, dirty);
                page_map::set(base, CHUNK, Entry::ownerless(KIND, chunk.cast()));
            }
            given
        }
    }
}
