//! Making a block longer or shorter: where it is, or by moving its pages elsewhere.
//!
//! Outside the lock, because the kernel may take long to move many pages. The block is its owner's, who is in here; for
//! all others there is none at its address meanwhile.

use super::Huge;
use super::kept::{Record, margin};
use crate::huge_pages;
use crate::page_map::{self, Entry, SpareLeaf};
use crate::size_class::SLICE;
use xalloc_os::pages;

impl Huge {
    /// Makes a block `size` bytes long, moving it if need be, without copying it. `None` if it stays as it was.
    pub fn resize(&self, address: usize, record: *mut u8, size: usize) -> Option<*mut u8> {
        let size = pages::round_up(size.max(SLICE), pages::page_size());
        let mut block = self.with_record(record, |_, record| {
            let is_block = record.start == address;
            is_block.then(|| core::mem::replace(record, Record { start: 0, ..*record }))
        })?;
        let resized = self.make_long_enough(record, &mut block, size);
        self.with_record(record, |state, record| {
            if resized {
                state.stats.live = state.stats.live - block.size + size;
                state.stats.peak = state.stats.peak.max(state.stats.live);
                block.size = size;
            }
            *record = block;
        });
        resized.then_some(block.start as *mut u8)
    }

    /// Makes room for `size` bytes in a block's mapping, and not much more than that if the block becomes smaller.
    fn make_long_enough(&self, record: *mut u8, block: &mut Record, size: usize) -> bool {
        let room = block.room(block.start);
        if size > room {
            return self.grow(record, block, size).is_some();
        }
        if size < block.size && size < room - room / 4 {
            // What becomes the margin must be as it was mapped.
            if !block.is_intact() {
                return false;
            }
            let length = block.length - (room - size);
            // SAFETY: the mapping is the block's, whose only owner cuts it.
            if !unsafe { pages::resize(block.base, block.length, length) } {
                return false;
            }
            block.length = length;
        }
        true
    }

    /// Makes room for `size` bytes, and some more, moving the block if need be.
    fn grow(&self, record: *mut u8, block: &mut Record, size: usize) -> Option<()> {
        let offset = block.start - block.base;
        let generous = pages::round_up(size + size / 4, pages::page_size());
        for wanted in [generous, size] {
            let length = wanted.checked_add(offset + margin())?;
            // SAFETY: the mapping is the block's, whose only owner grows it.
            let in_place = unsafe { pages::resize(block.base, block.length, length) };
            // Not as it was mapped, it can neither grow nor move: the caller copies it.
            if in_place || block.is_intact() && self.relocate(record, block, length).is_some() {
                block.length = length;
                if block.size < huge_pages::BLOCK_MIN {
                    huge_pages::advise_block(block.base, length, size);
                }
                return Some(());
            }
        }
        None
    }

    /// Moves a block's mapping to where it can be `length` bytes long.
    fn relocate(&self, record: *mut u8, block: &mut Record, length: usize) -> Option<()> {
        // Once the pages have moved there is no way back, so what the map may need for them is there before.
        let spare = self.0.with(|state| state.spare.take()).or_else(SpareLeaf::new)?;
        let offset = block.start - block.base;
        // A huge page moves as a whole only from one multiple of its size to another one.
        let align = if offset == 0 { huge_pages::block_align(length) } else { 1 };
        // The kernel may hand the old addresses to another thread at once, which enters what it makes there.
        page_map::set(block.start & !(SLICE - 1), SLICE, Entry::None);
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
        page_map::set(block.start & !(SLICE - 1), SLICE, Entry::Huge(record));
        self.put_back(spare);
        moved.map(|_| ())
    }

    /// Keeps a spare leaf for the next block that moves, unless another thread has left one since.
    fn put_back(&self, spare: Option<SpareLeaf>) {
        let one_too_many = self.0.with(|state| match state.spare {
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
