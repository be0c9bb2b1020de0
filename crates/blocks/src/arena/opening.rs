//! Chunks that come, and their ends that go and come again.

use super::State;
use super::chunk::{Chunk, free_groups, slice_mask};
use super::regions::Fresh;
use crate::huge_pages;
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use xalloc_os::pages;

/// How many of the newest chunks tell what will become of a fresh one, and how many bytes of them must be carved.
pub(super) const NEWEST: usize = 16;
pub(super) const ENOUGH: usize = 28 << 20;

impl State {
    /// Takes `count` slices for a slab that will be filled, or may not be, out of an open chunk or of another one.
    pub(super) fn find_or_open(
        &mut self,
        count: usize,
        fills: bool,
        metadata: &Metadata,
    ) -> Option<(*mut Chunk, usize, u64)> {
        loop {
            if let Some(found) = self.find_for(count, fills) {
                return Some(found);
            }
            let huge = fills && self.is_filling;
            let is_good = |chunk: &Chunk| chunk.huge == huge || chunk.mapped() == 0;
            if self.reopen_chunk(count, is_good).is_none() && self.open_chunk(metadata).is_none() {
                // Rather too much resident than no memory.
                let _ = self.reopen_chunk(count, |_| true);
                return self.find(count, |chunk| chunk.free).map(|(chunk, index)| (chunk, index, 0));
            }
        }
    }

    /// Takes `count` slices of the right kind out of an open chunk: the chunk, the first of the slices, and those that
    /// [`State::take_huge_page_to_try`] took beside.
    pub(super) fn find_for(&mut self, count: usize, fills: bool) -> Option<(*mut Chunk, usize, u64)> {
        let huge = fills && self.is_filling;
        let (chunk, index) = self.find(count, |chunk| chunk.free_for(huge))?;
        // SAFETY: the arena's lock guards its records, and is held.
        if unsafe { (*chunk).has_only(count) } {
            self.claim(chunk, fills);
        }
        Some((chunk, index, self.take_huge_page_to_try(chunk, count)))
    }

    /// Makes a chunk that was unused what slabs that will be filled, or may not be, need.
    fn claim(&mut self, chunk: *mut Chunk, fills: bool) {
        self.is_filling = huge_pages::are_to_be_had() && (huge_pages::are_for_all_slabs() || self.is_filling());
        let huge = fills && self.is_filling;
        // SAFETY: the arena's lock guards its records, and is held.
        unsafe {
            if (*chunk).huge != huge {
                pages::advise_huge((*chunk).base, (*chunk).mapped() * SLICE, huge);
                (*chunk).huge = huge;
            }
        }
    }

    /// Adds a chunk. `None` if there is no memory.
    pub(super) fn open_chunk(&mut self, metadata: &Metadata) -> Option<*mut Chunk> {
        let record = self.vacant_record(metadata)?;
        let Fresh { base, size } = self.regions.prepare(false)?;
        self.regions.take();
        let slices = slice_mask(0, size / SLICE);
        // SAFETY: the arena's lock guards its records, and is held; the record has no chunk.
        unsafe {
            self.change(record, |chunk| (chunk.base, chunk.free, chunk.unmapped) = (base, slices, !slices));
        }
        Some(record)
    }

    /// Takes the free slices of a chunk's first huge page, if that is to be tried: if the chunk has no slab but one of `count`
    /// slices.
    fn take_huge_page_to_try(&mut self, chunk: *mut Chunk, count: usize) -> u64 {
        // SAFETY: the arena's lock guards its records, and is held; the slices are free.
        unsafe {
            let is_fresh = (*chunk).huge && (*chunk).has_only(count) && (*chunk).mapped() * SLICE >= huge_pages::SIZE;
            if !is_fresh || !huge_pages::is_one_to_be_tried() {
                return 0;
            }
            let slices = (*chunk).free & slice_mask(0, huge_pages::SIZE / SLICE);
            self.take(chunk, slices);
            slices
        }
    }

    /// Unmaps the last slices of a chunk if they are free. Returns how many bytes that are.
    pub(super) fn unmap_end(&mut self, chunk: *mut Chunk) -> usize {
        // SAFETY: the arena's lock guards its records, and is held; the slices are free, so no block is in what is unmapped.
        unsafe {
            let end = (*chunk).unused_end();
            if end == 0 {
                return 0;
            }
            let (start, size) =
                ((*chunk).base + end.trailing_zeros() as usize * SLICE, end.count_ones() as usize * SLICE);
            if !pages::unmap(start, size) {
                return 0;
            }
            self.change(chunk, |chunk| {
                chunk.mark(end, true);
                chunk.unmapped |= end;
            });
            size
        }
    }

    /// Maps the unmapped end of a chunk again, of one that has `count` free slices then. Only if nothing else was mapped there
    /// since. Where the kernel refuses all of it, maps the part that the next slab needs. `None` if there is no such chunk.
    /// Only of those that are `good`.
    fn reopen_chunk(&mut self, count: usize, is_good: impl Fn(&Chunk) -> bool) -> Option<()> {
        self.chunks().find(|&chunk| {
            // SAFETY: the arena's lock guards its records, and is held.
            let (free, end, mapped) = unsafe { ((*chunk).free, (*chunk).unmapped, (*chunk).mapped()) };
            // SAFETY: as above.
            if end == 0 || !is_good(unsafe { &*chunk }) {
                return false;
            }
            let is_enough = |slices| count == 1 || free_groups(free | slices) != 0;
            let a_little = end & slice_mask(mapped & !7, 8);
            if [end, a_little].into_iter().any(|slices| is_enough(slices) && self.map_end(chunk, slices)) {
                return true;
            }
            if mapped == 0 {
                // SAFETY: as above. Something else may be there for ever, and be tried for ever.
                unsafe { self.forget(chunk) };
            }
            false
        })?;
        Some(())
    }

    /// Maps the first ones of a chunk's unmapped slices. Returns false if the kernel refuses.
    fn map_end(&mut self, chunk: *mut Chunk, slices: u64) -> bool {
        // SAFETY: the arena's lock guards its records, and is held.
        unsafe {
            let (start, size) = ((*chunk).base + (*chunk).mapped() * SLICE, slices.count_ones() as usize * SLICE);
            if !pages::map_at(start, size) {
                return false;
            }
            self.change(chunk, |chunk| {
                chunk.unmapped &= !slices;
                chunk.free |= slices;
                // Where nothing was mapped, nothing of what was asked for is left.
                chunk.huge &= start != chunk.base;
            });
            if (*chunk).huge {
                pages::advise_huge(start, size, true);
            }
        }
        true
    }

    /// Returns whether there are many slabs of small blocks in the newest chunks, and blocks were carved from half of them at
    /// least: so they will be from the next ones. Slices alone say nothing: each thread has a slab for each size, of which it
    /// may use a page only.
    pub(super) fn is_filling(&self) -> bool {
        let (mut in_slabs, mut carved) = (0, 0);
        for chunk in self.chunks().take(NEWEST) {
            // SAFETY: the arena's lock guards its records, and is held.
            for slab in unsafe { &*chunk }.slabs_in_use().filter(|slab| slab.shape().slices == 1) {
                in_slabs += SLICE;
                carved += slab.carved();
            }
            if carved >= ENOUGH {
                break;
            }
        }
        carved >= ENOUGH.max(in_slabs / 2)
    }
}
