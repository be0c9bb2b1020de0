//! The chunks of a shard: how one comes from the arena, and how it goes back when no run is in it any more.

use super::{Run, RunChunk};
use crate::arena::{Arena, CHUNK};
use crate::metadata::Metadata;
use crate::page_map::{self, Entry};
use core::ptr::null_mut;

/// The chunks of a shard, in the order of their records' creation, so that later ones drain.
pub struct Chunks {
    first: *mut RunChunk,
    /// The chunk that lost its last run and stays for the next one, so that a program that frees a large block and allocates
    /// one again does not go to the arena each time. In use again if the next run was taken from it.
    spare: *mut RunChunk,
}

// SAFETY: the chunks belong to the shard, not to a thread.
unsafe impl Send for Chunks {}

impl Chunks {
    pub const fn new() -> Self {
        Self { first: null_mut(), spare: null_mut() }
    }

    /// The first record, or null. Its `next` is written once.
    pub fn first(&self) -> *mut RunChunk {
        self.first
    }

    /// All records, also those without a chunk, in which nothing is free or used.
    pub fn iter(&self) -> impl Iterator<Item = *mut RunChunk> + use<> {
        let present = |chunk: *mut RunChunk| (!chunk.is_null()).then_some(chunk);
        // SAFETY: records are for ever; the links change under the lock that the caller holds.
        core::iter::successors(present(self.first), move |&chunk| present(unsafe { (*chunk).next }))
    }

    /// A run of one of the chunks.
    pub fn allocate(&mut self, count: usize, align: usize) -> Option<Run> {
        // SAFETY: under the lock, one reference at a time. The length is looked at here, and not in there: a program with
        // many blocks passes many chunks for each.
        self.iter().find_map(|chunk| unsafe {
            if (*chunk).longest >= count { (*chunk).allocate(count, align) } else { None }
        })
    }

    /// Adds a chunk to this shard, the one with that index.
    pub fn open(&mut self, index: usize, arena: &Arena, metadata: &Metadata) -> Option<*mut RunChunk> {
        let record = self.vacant_record(index, metadata)?;
        let (base, dirty) = arena.take_chunk()?;
        // SAFETY: under the lock, one reference at a time; the record has no chunk.
        unsafe { (*record).open(base, dirty) };
        page_map::set(base, CHUNK, Entry::Runs(record.cast()));
        Some(record)
    }

    fn vacant_record(&mut self, index: usize, metadata: &Metadata) -> Option<*mut RunChunk> {
        let mut last = null_mut::<RunChunk>();
        for record in self.iter() {
            // SAFETY: under the lock; as below.
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

    /// Gives a chunk to the arena if no run is in it, unless it is the only such one.
    pub fn let_go(&mut self, chunk: *mut RunChunk, arena: &Arena, metadata: &Metadata) {
        // SAFETY: under the lock, one reference at a time.
        unsafe {
            if !(*chunk).is_empty() || self.spare == chunk {
                return;
            }
            if !self.spare.as_ref().is_some_and(RunChunk::is_empty) {
                self.spare = chunk;
                return;
            }
        }
        self.give(chunk, arena, metadata);
    }

    /// Gives the chunk that is spare to the arena.
    pub fn release_spare(&mut self, arena: &Arena, metadata: &Metadata) {
        let spare = core::mem::replace(&mut self.spare, null_mut());
        // SAFETY: under the lock.
        if unsafe { spare.as_ref() }.is_some_and(RunChunk::is_empty) {
            self.give(spare, arena, metadata);
        }
    }

    /// Gives a chunk without runs to the arena; if there is no memory for its record there, it stays.
    fn give(&mut self, chunk: *mut RunChunk, arena: &Arena, metadata: &Metadata) {
        // SAFETY: under the lock, one reference at a time.
        let (base, dirty) = unsafe { (*chunk).close() };
        page_map::set(base, CHUNK, Entry::None);
        if !arena.give_chunk(base, dirty, metadata) {
            // SAFETY: as above.
            unsafe { (*chunk).open(base, dirty) };
            page_map::set(base, CHUNK, Entry::Runs(chunk.cast()));
        }
    }
}
