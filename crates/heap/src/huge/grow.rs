//! Growing a block's mapping: where it is, or by moving its pages elsewhere.

use super::State;
use super::kept::{Record, margin};
use crate::huge_pages;
use crate::page_map::{self, Entry, SpareLeaf};
use crate::size_class::SLICE;
use xalloc_os::pages;

impl State {
    /// Makes room for `size` bytes in a block's mapping, and some more, moving it if need be.
    pub(super) fn grow(&mut self, record: &mut Record, size: usize) -> Option<()> {
        let offset = record.start - record.base;
        let generous = pages::round_up(size + size / 4, pages::page_size());
        for wanted in [generous, size] {
            let length = wanted.checked_add(offset + margin())?;
            // SAFETY: the mapping is the block's, whose only owner grows it.
            let grown = unsafe { pages::resize(record.base, record.length, length) };
            // Not as it was mapped, it can neither grow nor move: the caller copies it.
            if grown || record.is_intact() && self.relocate(record, length).is_some() {
                let was_large = record.size >= huge_pages::BLOCK_MIN;
                record.length = length;
                if !was_large {
                    huge_pages::advise_block(record.base, length, size);
                }
                return Some(());
            }
        }
        None
    }

    /// Moves a block's mapping to where it can be `length` bytes long.
    fn relocate(&mut self, record: &mut Record, length: usize) -> Option<()> {
        // Once the pages have moved there is no way back, so what the map may need for them is there before.
        let spare = self.spare.take().or_else(SpareLeaf::new)?;
        let offset = record.start - record.base;
        // A huge page moves as a whole only from one multiple of its size to another one.
        let align = if offset == 0 { huge_pages::block_align(length) } else { 1 };
        // The kernel may hand the old addresses to another thread at once, which enters what it makes there.
        page_map::set(record.start & !(SLICE - 1), SLICE, Entry::None);
        let entry = Entry::Huge(core::ptr::from_mut(record).cast());
        // Aligned, both mappings exist for a moment; where that is too much, one that moves as the kernel likes may do.
        // SAFETY: the mapping is the block's, whose only owner moves it.
        let moved = unsafe {
            pages::remap(record.base, record.length, length, align)
                .or_else(|| pages::remap(record.base, record.length, length, 1))
        };
        let Some(base) = moved else {
            page_map::set(record.start & !(SLICE - 1), SLICE, entry);
            self.spare = Some(spare);
            return None;
        };
        let start = base + offset;
        self.spare = spare.cover(start);
        page_map::set(start & !(SLICE - 1), SLICE, entry);
        (record.base, record.start, record.entered) = (base, start, start);
        Some(())
    }
}
