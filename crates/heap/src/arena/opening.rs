//! Chunks that come, and their ends that go and come again.

use super::chunk::{Chunk, free_groups, slice_mask};
use super::regions::Fresh;
use super::{CHUNK, State};
use crate::huge_pages;
use crate::metadata::Metadata;
use crate::size_class::SLICE;
use crate::slab::Slab;
use xalloc_os::pages;

/// How many of the newest chunks tell what will become of a fresh one.
pub(super) const NEWEST: usize = 6;

impl State {
    /// Adds a chunk. `None` if there is no memory.
    pub(super) fn open_chunk(&mut self, metadata: &Metadata) -> Option<*mut Chunk> {
        let record = self.vacant_record(metadata)?;
        let Fresh { base, size } = self.regions.prepare(false)?;
        self.regions.take();
        let slices = slice_mask(0, size / SLICE);
        let huge = huge_pages::advise_chunk(base, size, self.is_filling());
        // SAFETY: under the lock; the record has no chunk.
        unsafe {
            self.change(record, |chunk| {
                (chunk.base, chunk.free, chunk.unmapped, chunk.huge) = (base, slices, !slices, huge);
            });
        }
        Some(record)
    }

    /// Takes the free slices of a fresh chunk's first huge page, if that is to be tried.
    pub(super) fn take_huge_page_to_try(&mut self, chunk: *mut Chunk) -> u64 {
        // SAFETY: under the lock; the slices are free.
        unsafe {
            if !(*chunk).huge || (*chunk).mapped() * SLICE < huge_pages::SIZE || !huge_pages::is_one_to_be_tried() {
                return 0;
            }
            let slices = (*chunk).free & slice_mask(0, huge_pages::SIZE / SLICE);
            self.take(chunk, slices);
            slices
        }
    }

    /// Unmaps the last slices of a chunk if they are free. Returns how many bytes that are.
    pub(super) fn unmap_end(&mut self, chunk: *mut Chunk) -> usize {
        // SAFETY: under the lock; the slices are free, so no block is in what is unmapped.
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
    pub(super) fn reopen_chunk(&mut self, count: usize) -> Option<()> {
        self.chunks().find(|&chunk| {
            // SAFETY: under the lock.
            let (free, end, mapped) = unsafe { ((*chunk).free, (*chunk).unmapped, (*chunk).mapped()) };
            if end == 0 {
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

    /// Maps the first ones of a chunk's unmapped slices. False if the kernel refuses.
    fn map_end(&mut self, chunk: *mut Chunk, slices: u64) -> bool {
        // SAFETY: under the lock.
        unsafe {
            let (start, size) = ((*chunk).base + (*chunk).mapped() * SLICE, slices.count_ones() as usize * SLICE);
            if !pages::map_at(start, size) {
                return false;
            }
            let huge = huge_pages::advise_chunk(start, size, self.is_filling());
            self.change(chunk, |chunk| {
                chunk.unmapped &= !slices;
                chunk.free |= slices;
                chunk.huge = huge;
            });
        }
        true
    }

    /// Whether there are some chunks, and slabs fill the newest ones at least by half, so that they will a fresh one as well.
    /// Slices alone say nothing: each thread has a slab for each size, of which it may use a page only.
    pub(super) fn is_filling(&self) -> bool {
        let (mut count, mut carved) = (0, 0);
        for chunk in self.chunks().take(NEWEST) {
            count += 1;
            // SAFETY: under the lock.
            carved += unsafe { &*chunk }.slabs_in_use().map(Slab::carved).sum::<usize>();
        }
        count == NEWEST && carved >= NEWEST * CHUNK / 2
    }
}
