//! Chunks that change their kind: a chunk without slabs may become one of runs, and the other way round.
//!
//! What a program did to pages of its blocks must not reach blocks of the other kind. So a chunk only changes its kind when it
//! is one mapping from end to end, which is one question to the kernel; otherwise it is mapped anew.

use super::chunk::Chunk;
use super::lists::Standing;
use super::{Arena, CHUNK, LOOK_FOR_DIRTY, State};
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use xalloc_os::pages;

impl Arena {
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

impl State {
    fn take_whole(&mut self) -> Option<(usize, u64)> {
        loop {
            let chunk = self.best_whole().unwrap_or(self.lists.first(Standing::Unmapped));
            if chunk.is_null() {
                return None;
            }
            // SAFETY: the arena's lock guards its records, and is held; no slab is in the chunk.
            unsafe {
                if self.make_as_mapped(chunk) {
                    let taken = ((*chunk).base, (*chunk).dirty);
                    self.vacate(chunk);
                    return Some(taken);
                }
                if (*chunk).mapped() > 0 {
                    return None;
                }
                self.forget(chunk);
            }
        }
    }

    fn take_fresh(&mut self) -> Option<(usize, u64)> {
        let fresh = self.regions.prepare(true)?;
        self.regions.take();
        Some((fresh.base, 0))
    }

    /// Returns one of the first few chunks of which nothing is used: one that need not be mapped anew, if there is one.
    fn best_whole(&self) -> Option<*mut Chunk> {
        let chunks = self.list(Standing::Whole).take(LOOK_FOR_DIRTY);
        // SAFETY: the arena's lock guards its records, and is held.
        chunks.max_by_key(|&chunk| unsafe { (!(*chunk).huge, (*chunk).unmapped == 0) })
    }

    /// Adds a chunk of which nothing is used.
    fn add_whole(&mut self, base: usize, dirty: u64, metadata: &Metadata) -> Option<()> {
        let record = self.vacant_record(metadata)?;
        // SAFETY: the arena's lock is held; the record has no chunk yet, and the caller has left this one to the arena.
        unsafe {
            self.change(record, |chunk| {
                (chunk.base, chunk.free, chunk.dirty, chunk.unmapped) = (base, u64::MAX, dirty, 0);
            });
            // If it cannot be mapped anew, its addresses may be mapped later, or its pages are good for slabs as they are.
            self.make_as_mapped(record);
        }
        Some(())
    }

    /// Makes all pages of a chunk as they were mapped. Returns false if the kernel refuses: the chunk is unmapped then, or as
    /// it was.
    ///
    /// # Safety
    /// Nothing of the chunk is used.
    unsafe fn make_as_mapped(&mut self, chunk: *mut Chunk) -> bool {
        // SAFETY: the arena's lock guards its records, and is held; no slab is in the chunk, which, if it is
        // mapped to its end, goes on for a page behind the range.
        unsafe {
            let (base, mapped) = ((*chunk).base, (*chunk).mapped() * SLICE);
            let is_plain = mapped == CHUNK && !(*chunk).huge;
            if is_plain && pages::is_one_mapping(base, CHUNK - pages::page_size()) {
                return true;
            }
            if mapped > 0 {
                if !pages::unmap(base, mapped) {
                    return false;
                }
                self.change(chunk, |chunk| {
                    (chunk.free, chunk.dirty, chunk.unmapped, chunk.huge) = (0, 0, u64::MAX, false);
                });
            }
            let is_mapped = pages::map_at(base, CHUNK);
            if is_mapped {
                self.change(chunk, |chunk| (chunk.free, chunk.unmapped) = (u64::MAX, 0));
            }
            is_mapped
        }
    }

    /// Returns a record without a chunk.
    pub(super) fn vacant_record(&mut self, metadata: &Metadata) -> Option<*mut Chunk> {
        let vacant = self.lists.first(Standing::Vacant);
        if !vacant.is_null() {
            return Some(vacant);
        }
        let record = metadata.allocate(size_of::<Chunk>())?.cast::<Chunk>();
        // SAFETY: a zeroed record of the right size and alignment, which no list has yet; zeros are valid in every field.
        unsafe {
            (*record).unmapped = u64::MAX;
            (*record).older = self.newest;
            self.lists.push(record);
        }
        self.newest = record;
        Some(record)
    }

    /// Leaves a record without its chunk, which is the caller's then.
    ///
    /// # Safety
    /// Nothing of the chunk is used.
    unsafe fn vacate(&mut self, chunk: *mut Chunk) {
        // SAFETY: the arena's lock guards its records, and is held.
        unsafe {
            self.change(chunk, |chunk| {
                (chunk.base, chunk.free, chunk.dirty, chunk.aged) = (0, 0, 0, 0);
                (chunk.unmapped, chunk.huge) = (u64::MAX, false);
            });
        }
    }

    /// Forgets the addresses of a chunk that is unmapped.
    ///
    /// # Safety
    /// Nothing of the chunk is mapped.
    pub(super) unsafe fn forget(&mut self, chunk: *mut Chunk) {
        self.regions.forget_chunk();
        // SAFETY: the arena's lock guards its records, and is held; nothing of the chunk is mapped.
        unsafe { self.vacate(chunk) };
    }
}
