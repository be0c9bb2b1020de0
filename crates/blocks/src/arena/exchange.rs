//! Chunks that change their kind: a chunk without slabs may become one of runs, and the other way round.
//!
//! What a program did to pages of its blocks must not reach blocks of the other kind. So a chunk only changes its kind when it
//! is one mapping from end to end, which is one question to the kernel; otherwise it is mapped anew.

use super::records::{Chunk, Standing};
use super::slices::Slices;
use super::{Arena, CHUNK, LOOK_FOR_DIRTY, State};
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use crate::source::Source;
use xalloc_os::pages;

impl<S: Source> Arena<S> {
    /// Takes out a whole chunk, which the page map covers. Returns its address, and which of its slices may have pages: the
    /// others read as zeros. `None` if there is no memory.
    pub fn take_chunk(&self) -> Option<(usize, u64)> {
        self.0.with(|state| state.take_whole().or_else(|| state.take_fresh()))
    }

    /// Takes back a chunk. Its slices may have pages as `dirty` says. Returns false if there is no memory for its record: the
    /// chunk is still the caller's then.
    ///
    /// # Safety
    /// The chunk was taken from this arena, and is the caller's. Nothing in it is used, and it is not in the page map.
    pub unsafe fn give_chunk(&self, base: usize, dirty: u64, metadata: &Metadata) -> bool {
        self.0.with(|state| state.add_whole(base, dirty, metadata).is_some())
    }
}

impl<S: Source> State<S> {
    fn take_whole(&mut self) -> Option<(usize, u64)> {
        loop {
            let chunk = self.best_whole().or_else(|| self.records.first(Standing::Unmapped))?;
            // SAFETY: nothing is used of a chunk in these lists.
            if unsafe { self.make_as_mapped(chunk) } {
                let slices = self.records.slices(chunk);
                let taken = (slices.base, slices.dirty);
                self.vacate(chunk);
                return Some(taken);
            }
            if self.records.slices(chunk).mapped() > 0 {
                return None;
            }
            self.forget(chunk);
        }
    }

    fn take_fresh(&mut self) -> Option<(usize, u64)> {
        let fresh = self.regions.prepare(true)?;
        self.regions.take();
        Some((fresh.base, 0))
    }

    /// Returns one of the first few chunks of which nothing is used: one that need not be mapped anew, if there is one.
    fn best_whole(&self) -> Option<&'static Chunk> {
        let chunks = self.records.list(Standing::Whole).take(LOOK_FOR_DIRTY);
        chunks.max_by_key(|(_, slices)| (!slices.huge, slices.unmapped == 0)).map(|(chunk, _)| chunk)
    }

    /// Adds a chunk of which nothing is used.
    fn add_whole(&mut self, base: usize, dirty: u64, metadata: &Metadata) -> Option<()> {
        let chunk = self.vacant_record(metadata)?;
        self.change(chunk, |slices| *slices = Slices { base, free: u64::MAX, dirty, ..Slices::default() });
        // If it cannot be mapped anew, its addresses may be mapped later, or its pages are good for slabs as they are.
        // SAFETY: the caller has left the chunk to the arena, with nothing in it that is used.
        unsafe { self.make_as_mapped(chunk) };
        Some(())
    }

    /// Makes all pages of a chunk as they were mapped. Returns false if the kernel refuses: the chunk is unmapped then, or as
    /// it was.
    ///
    /// # Safety
    /// Nothing of the chunk is used.
    unsafe fn make_as_mapped(&mut self, chunk: &'static Chunk) -> bool {
        let (source, slices) = (self.regions.source, self.records.slices(chunk));
        let (base, mapped) = (slices.base, slices.mapped() * SLICE);
        let is_plain = mapped == CHUNK && !slices.huge;
        // SAFETY: the chunk is mapped to its end, so it goes on for a page behind the range.
        if is_plain && unsafe { source.is_as_mapped(base, CHUNK - pages::page_size()) } {
            return true;
        }
        if mapped > 0 {
            // SAFETY: no slab is in the chunk.
            if !unsafe { source.unmap(base, mapped) } {
                return false;
            }
            self.change(chunk, |slices| {
                (slices.free, slices.dirty, slices.unmapped, slices.huge) = (0, 0, u64::MAX, false);
            });
        }
        let is_mapped = source.map_again(base, CHUNK);
        if is_mapped {
            self.change(chunk, |slices| (slices.free, slices.unmapped) = (u64::MAX, 0));
        }
        is_mapped
    }

    /// Returns a record without a chunk.
    pub(super) fn vacant_record(&mut self, metadata: &Metadata) -> Option<&'static Chunk> {
        self.records.first(Standing::Vacant).or_else(|| self.records.add(metadata))
    }

    /// Leaves a record without its chunk, which is the caller's then. Nothing of it is used.
    fn vacate(&mut self, chunk: &'static Chunk) {
        self.change(chunk, |slices| *slices = Slices { unmapped: u64::MAX, ..Slices::default() });
    }

    /// Forgets the addresses of a chunk of which nothing is mapped.
    pub(super) fn forget(&mut self, chunk: &'static Chunk) {
        self.regions.forget_chunk();
        self.vacate(chunk);
    }
}
