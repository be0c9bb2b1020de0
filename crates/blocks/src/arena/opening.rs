//! Chunks that come, and their ends that go and come again.

use super::records::Chunk;
use super::regions::Fresh;
use super::slices::{Slices, free_groups, slice_mask};
use super::{State, Taken};
use crate::huge_pages;
use crate::metadata::Metadata;
use crate::page_map::SLICE;
use crate::source::Source;

/// How many of the newest chunks tell what will become of a fresh one, and how many bytes of them must be carved.
pub(super) const NEWEST: usize = 16;
pub(super) const ENOUGH: usize = 28 << 20;

impl<S: Source> State<S> {
    /// Takes `count` slices for a slab that will be filled, or may not be, out of an open chunk or of another one.
    pub(super) fn find_or_open(&mut self, count: usize, fills: bool, metadata: &Metadata) -> Option<Taken> {
        loop {
            if let Some(found) = self.find_for(count, fills) {
                return Some(found);
            }
            let huge = fills && self.is_filling;
            let is_good = |slices: &Slices| slices.huge == huge || slices.mapped() == 0;
            if self.reopen_chunk(count, is_good).is_none() && self.open_chunk(metadata).is_none() {
                // Rather too much resident than no memory.
                let _ = self.reopen_chunk(count, |_| true);
                return self.find(count, |slices| slices.free);
            }
        }
    }

    /// Takes `count` slices of the right kind out of an open chunk, and perhaps those of a huge page to be tried.
    pub(super) fn find_for(&mut self, count: usize, fills: bool) -> Option<Taken> {
        let huge = fills && self.is_filling;
        let mut taken = self.find(count, |slices| slices.free_for(huge))?;
        if self.records.slices(taken.chunk).has_only(count) {
            self.claim(taken.chunk, fills);
        }
        taken.untried = self.take_huge_page_to_try(taken.chunk, count);
        Some(taken)
    }

    /// Makes a chunk that was unused what slabs that will be filled, or may not be, need.
    fn claim(&mut self, chunk: &'static Chunk, fills: bool) {
        self.is_filling = huge_pages::are_to_be_had() && (huge_pages::are_for_all_slabs() || self.is_filling());
        let (huge, source) = (fills && self.is_filling, self.regions.source);
        self.change(chunk, |slices| {
            if slices.huge != huge {
                source.advise_huge(slices.base, slices.mapped() * SLICE, huge);
                slices.huge = huge;
            }
        });
    }

    /// Adds a chunk. `None` if there is no memory.
    pub(super) fn open_chunk(&mut self, metadata: &Metadata) -> Option<()> {
        let chunk = self.vacant_record(metadata)?;
        let Fresh { base, size } = self.regions.prepare(false)?;
        self.regions.take();
        let free = slice_mask(0, size / SLICE);
        self.change(chunk, |slices| *slices = Slices { base, free, unmapped: !free, ..Slices::default() });
        Some(())
    }

    /// Takes the free slices of a chunk's first huge page, if that is to be tried: if the chunk has no slab but one of `count`
    /// slices.
    fn take_huge_page_to_try(&mut self, chunk: &'static Chunk, count: usize) -> u64 {
        let slices = self.records.slices(chunk);
        let is_fresh = slices.huge && slices.has_only(count) && slices.mapped() * SLICE >= huge_pages::SIZE;
        if !is_fresh || !huge_pages::is_one_to_be_tried() {
            return 0;
        }
        let untried = slices.free & slice_mask(0, huge_pages::SIZE / SLICE);
        self.take(chunk, untried);
        untried
    }

    /// Unmaps the last slices of a chunk if they are free. Returns how many bytes that are.
    pub(super) fn unmap_end(&mut self, chunk: &'static Chunk) -> usize {
        let slices = self.records.slices(chunk);
        let end = slices.unused_end();
        if end == 0 {
            return 0;
        }
        let (start, size) = (slices.base + end.trailing_zeros() as usize * SLICE, end.count_ones() as usize * SLICE);
        // SAFETY: the slices are free, so no block is in what is unmapped.
        if !unsafe { self.regions.source.unmap(start, size) } {
            return 0;
        }
        self.change(chunk, |slices| {
            slices.mark(end, true);
            slices.unmapped |= end;
        });
        size
    }

    /// Maps the unmapped end of a chunk again, of one that has `count` free slices then. Only if nothing else was mapped there
    /// since. Where the source refuses all of it, maps the part that the next slab needs. `None` if there is no such chunk.
    /// Only of those that are `good`.
    fn reopen_chunk(&mut self, count: usize, is_good: impl Fn(&Slices) -> bool) -> Option<()> {
        self.records.all().find(|&chunk| {
            let slices = self.records.slices(chunk);
            let (free, end, mapped) = (slices.free, slices.unmapped, slices.mapped());
            if slices.base == 0 || end == 0 || !is_good(slices) {
                return false;
            }
            let is_enough = |slices| count == 1 || free_groups(free | slices) != 0;
            let a_little = end & slice_mask(mapped & !7, 8);
            if [end, a_little].into_iter().any(|slices| is_enough(slices) && self.map_end(chunk, slices)) {
                return true;
            }
            if mapped == 0 {
                // Something else may be there for ever, and be tried for ever.
                self.forget(chunk);
            }
            false
        })?;
        Some(())
    }

    /// Maps the first ones of a chunk's unmapped slices. Returns false if the kernel refuses.
    fn map_end(&mut self, chunk: &'static Chunk, end: u64) -> bool {
        let (source, slices) = (self.regions.source, self.records.slices(chunk));
        let (start, size) = (slices.base + slices.mapped() * SLICE, end.count_ones() as usize * SLICE);
        if !source.map_again(start, size) {
            return false;
        }
        self.change(chunk, |slices| {
            slices.unmapped &= !end;
            slices.free |= end;
            // Where nothing was mapped, nothing of what was asked for is left.
            slices.huge &= start != slices.base;
            if slices.huge {
                source.advise_huge(start, size, true);
            }
        });
        true
    }

    /// Returns whether there are many slabs of small blocks in the newest chunks, and blocks were carved from half of them at
    /// least: so they will be from the next ones. Slices alone say nothing: each thread has a slab for each size, of which it
    /// may use a page only.
    pub(super) fn is_filling(&self) -> bool {
        let (mut in_slabs, mut carved) = (0, 0);
        for (chunk, slices) in self.records.chunks().take(NEWEST) {
            for slab in chunk.slabs_in_use(slices).filter(|slab| slab.shape().slices == 1) {
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
