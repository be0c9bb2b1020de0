//! Making a block longer or shorter: where it is, or by moving its pages elsewhere.
//!
//! Outside the lock, because the kernel may take long to move many pages. The block is its owner's, who is in here; for
//! all others there is none at its address meanwhile.

use super::mapping::{Mapping, margin};
use super::records::Record;
use super::state::{Huge, State};
use crate::huge_pages;
use crate::page_map::{self, Entry, SLICE, SpareLeaf};
use xalloc_os::pages;

/// Why a block was not resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// Its pages are not as they were mapped, or there is no block.
    Changed,
    /// The kernel has no memory for it, or cannot do it.
    Refused,
}

/// What it takes to resize a block.
enum Step {
    /// Nothing any more.
    Done,
    /// A mapping of another length: that of this block, which nobody else finds until it is put back.
    Mapping(Mapping),
    /// There is no block at this address.
    NoBlock,
}

impl Step {
    /// Resizes what needs no other mapping. Under the lock.
    fn begin(state: &mut State, record: &'static Record, address: usize, size: usize) -> Self {
        let mapping = state.records.mapping_mut(record);
        if mapping.start != address {
            return Self::NoBlock;
        }
        let room = mapping.room(address);
        if size > room || (size < mapping.size && size < room - room / 4) {
            return Self::Mapping(core::mem::replace(mapping, Mapping { start: 0, ..*mapping }));
        }
        state.note_size(record, size);
        Self::Done
    }
}

impl State {
    /// Notes that a block has `size` bytes now.
    fn note_size(&mut self, record: &'static Record, size: usize) {
        let mapping = self.records.mapping_mut(record);
        self.stats.live = self.stats.live - mapping.size + size;
        self.stats.peak = self.stats.peak.max(self.stats.live);
        mapping.set_size(size);
        self.has_slack |= mapping.slack() > 0;
    }
}

impl Huge {
    /// Makes the block at `address`, which has this entry in the page map, `size` bytes long, moving it if need be, without
    /// copying it.
    ///
    /// # Errors
    /// Why it stays as it was.
    pub fn resize(&self, address: usize, entry: Entry, size: usize) -> Result<*mut u8, Stays> {
        let size = pages::round_up(size.max(SLICE), pages::page_size());
        let record = Record::of(entry);
        let mut block = match self.state.with(|state| Step::begin(state, record, address, size)) {
            Step::Done => return Ok(address as *mut u8),
            Step::Mapping(block) => block,
            Step::NoBlock => return Err(Stays::Changed),
        };
        let resized = self.make_long_enough(record, &mut block, size);
        self.state.with(|state| {
            *state.records.mapping_mut(record) = block;
            if resized.is_ok() {
                state.note_size(record, size);
            }
        });
        resized.map(|()| block.start as *mut u8)
    }

    /// Makes room for `size` bytes in a block's mapping, and not much more than that if the block becomes smaller.
    fn make_long_enough(&self, record: &'static Record, block: &mut Mapping, size: usize) -> Result<(), Stays> {
        let room = block.room(block.start);
        if size > room {
            return self.grow(record, block, size);
        }
        // What becomes the margin must be as it was mapped.
        if !block.is_intact() {
            return Err(Stays::Changed);
        }
        let length = block.length - (room - size);
        // SAFETY: the mapping is the block's, whose only owner cuts it.
        if !unsafe { pages::resize(block.base, block.length, length) } {
            return Err(Stays::Refused);
        }
        block.set_length(length);
        Ok(())
    }

    /// Makes room for `size` bytes, and some more, moving the block if need be.
    fn grow(&self, record: &'static Record, block: &mut Mapping, size: usize) -> Result<(), Stays> {
        let offset = block.start - block.base;
        let generous = pages::round_up(size + size / 4, pages::page_size());
        for wanted in [generous, size] {
            let length = wanted.checked_add(offset + margin()).ok_or(Stays::Refused)?;
            // SAFETY: the mapping is the block's, whose only owner grows it.
            let in_place = unsafe { pages::resize(block.base, block.length, length) };
            // Not as it was mapped, it can neither grow nor move: the caller copies it.
            if !in_place && !block.is_intact() {
                return Err(Stays::Changed);
            }
            if in_place || self.relocate(record, block, length).is_some() {
                block.set_length(length);
                if !block.huge_pages {
                    // SAFETY: a mapping that the kernel has just resized is one, and is the block's.
                    block.huge_pages =
                        unsafe { huge_pages::advise_grown(block.base, length, block.start, block.size, size) };
                }
                return Ok(());
            }
        }
        Err(Stays::Refused)
    }

    /// Moves a block's mapping to where it can be `length` bytes long.
    fn relocate(&self, record: &'static Record, block: &mut Mapping, length: usize) -> Option<()> {
        // Once the pages have moved there is no way back, so what the map may need for them is there before.
        let spare = self.state.with(|state| state.spare.take()).or_else(SpareLeaf::new)?;
        let offset = block.start - block.base;
        // A huge page moves as a whole only from one multiple of its size to another one.
        let align = if offset == 0 { huge_pages::block_align(length) } else { 1 };
        // The kernel may hand the old addresses to another thread at once, which enters what it makes there.
        // SAFETY: the slice was covered when the block was entered, and the block is nobody's until it has moved.
        unsafe { page_map::set(block.start & !(SLICE - 1), SLICE, Entry::NONE) };
        // Aligned, both mappings exist for a moment; where that is too much, one that moves as the kernel likes may do.
        // SAFETY: the mapping is the block's, whose only owner moves it.
        let moved = unsafe {
            pages::remap(block.base, block.length, length, align)
                .or_else(|| pages::remap(block.base, block.length, length, 1))
        };
        let spare = match moved {
            Some(base) => {
                let start = base + offset;
                (block.base, block.start, block.entered) = (base, start, start);
                spare.cover(start)
            }
            None => Some(spare),
        };
        // SAFETY: the slice is covered, by the spare leaf if need be, and the mapping that starts in it is the record's.
        unsafe { page_map::set(block.start & !(SLICE - 1), SLICE, record.entry()) };
        self.put_back(spare);
        moved.map(|_| ())
    }

    /// Keeps a spare leaf for the next block that moves, unless another thread has left one since.
    fn put_back(&self, spare: Option<SpareLeaf>) {
        let one_too_many = self.state.with(|state| match state.spare {
            None => {
                state.spare = spare;
                None
            }
            Some(_) => spare,
        });
        if let Some(leaf) = one_too_many {
            leaf.unmap();
        }
    }
}
