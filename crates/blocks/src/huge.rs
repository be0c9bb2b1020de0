//! Blocks from 2 MiB on, or with alignments above 2 MiB: a mapping each.
//!
//! Growing moves pages, not bytes (`mremap`), and reserves address space for more of it, so that a program that grows a
//! buffer in small steps asks the kernel only now and then. Each block is at least a slice long, so no slice holds the
//! starts of two, and the page map needs to know only the slice of a block's start.
//!
//! A freed mapping is kept for a while, because touching fresh pages is the dearest thing an allocator does, and programs free
//! a large buffer to allocate the next one. The next one gets the mapping whose size is nearest, made as long as it needs to
//! be. What is kept and what is in use are together never more than what was once in use. What was kept that long, or is too
//! much, is purged, but its addresses stay for the next block, up to a limit. The clock is polled when a huge block is freed or
//! mapped.

use crate::huge_pages;
use crate::metadata::Metadata;
use crate::page_map::{self, Entry, SLICE};
use xalloc_heap::Refusal;
use xalloc_os::{clock, pages};

mod kept;
mod mapping;
mod misuse;
mod purge;
mod records;
mod resize;
mod state;
use kept::Surplus;
use mapping::{Mapping, margin};
pub use records::KIND;
use records::Record;
pub use resize::Stays;
use state::CLEAN_BYTES;
pub use state::{Huge, HugeBlock, HugeStats};

/// What is left to do for a block that was freed, outside the lock.
enum Freed {
    /// Its mapping is kept: to purge what is too much now, of which this is the first.
    Kept(Option<Surplus>),
    /// The kernel is to be asked about its mapping, of which this is a copy.
    ToLookAt(Mapping),
    /// There is none at that address, but this.
    NoBlock(Refusal),
}

impl Huge {
    /// Returns a block of at least `size` bytes, aligned to `align` and at least to a page. `None` if there is no memory.
    /// `zeros` says that the caller needs zeros: then a large block is not made of a mapping with pages, which would have to be
    /// cleared.
    pub fn allocate(&self, size: usize, align: usize, zeros: bool, metadata: &Metadata) -> Option<HugeBlock> {
        let size = pages::round_up(size.max(SLICE), pages::page_size());
        if let Some(block) = self.reuse(size, align, zeros) {
            return Some(block);
        }
        self.clean_surplus();
        let wide = huge_pages::block_align(size).max(align);
        let length = size.checked_add(margin())?;
        let map = |align| pages::map_aligned(length, align);
        let mapping = map(wide).or_else(|| if wide > align { map(align) } else { None })?;
        let huge_pages = huge_pages::advise_block(mapping.base, mapping.length, size);
        let entered = page_map::cover(mapping.start, SLICE)
            && self.state.with(|state| state.enter(&mapping, size, huge_pages, metadata)).is_some();
        if !entered {
            // SAFETY: mapped above, seen by nobody. If the kernel keeps it, only untouched address space is lost.
            let _ = unsafe { pages::unmap(mapping.base, mapping.length) };
            return None;
        }
        Some(HugeBlock { start: mapping.start as *mut u8, zeroed: true })
    }

    /// Makes a kept mapping a block of `size` bytes.
    fn reuse(&self, size: usize, align: usize, zeros: bool) -> Option<HugeBlock> {
        let record = self.state.with(|state| state.take_kept(size, align, zeros))?;
        // Outside the lock, because the kernel may take long, and so on a copy.
        let mut mapping = self.mapping(record);
        let start = mapping.fit(size, align);
        // They were for what another block did with its memory.
        if mapping.huge_pages && huge_pages::retract(mapping.base, mapping.length) {
            mapping.huge_pages = false;
        }
        self.state.with(|state| *state.records.mapping_mut(record) = mapping);
        let Some(start) = start else {
            self.state.with(|state| state.keep(record));
            return None;
        };
        if !page_map::cover(start, SLICE) {
            self.release(record);
            return None;
        }
        self.state.with(|state| state.register(record, start, size));
        Some(HugeBlock { start: start as *mut u8, zeroed: mapping.zeroed })
    }

    /// Takes the block at `address` back, which has this entry in the page map. Returns its size.
    ///
    /// # Errors
    /// What there is at the address instead.
    pub fn free(&self, address: usize, entry: Entry) -> Result<usize, Refusal> {
        let record = Record::of(entry);
        let now = clock::coarse_milliseconds();
        let mut bytes = 0;
        let freed = self.state.with(|state| {
            let mapping = *state.records.mapping(record);
            if mapping.start != address {
                return Freed::NoBlock(mapping.refusal_at(address));
            }
            bytes = mapping.size;
            state.unregister(record, now);
            // What is too long to be retained is unmapped in any case.
            if mapping.length <= CLEAN_BYTES && self.watch.wants(mapping.bytes) {
                return Freed::ToLookAt(mapping);
            }
            state.keep(record);
            Freed::Kept(state.take_surplus(now))
        });
        match freed {
            Freed::NoBlock(refusal) => return Err(refusal),
            Freed::ToLookAt(mapping) => {
                self.keep_if_intact(record, &mapping);
                self.clean_surplus();
            }
            Freed::Kept(surplus) => self.purge_surplus(surplus, now),
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
