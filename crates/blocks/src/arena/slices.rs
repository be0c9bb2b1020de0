//! A chunk's slices, and which of them to take.

use crate::huge_pages;
use crate::page_map::SLICE;
use crate::purge_scope::PurgeScope;
use crate::source::Source;

/// A chunk: 64 slices, two huge pages.
pub const CHUNK: usize = 64 * SLICE;
/// How many slices a huge page has.
const SLICES_OF_HUGE_PAGE: usize = huge_pages::SIZE / SLICE;

/// Where a chunk is, and which of its slices are free.
#[derive(Default)]
pub struct Slices {
    /// The first address; 0 while the record has no chunk.
    pub base: usize,
    /// Free slices.
    pub free: u64,
    /// Free slices whose pages may be resident.
    pub dirty: u64,
    /// Dirty slices that were dirty already when somebody last looked for what can be purged.
    pub aged: u64,
    /// The last slices, when they are not mapped: nobody's, and not free.
    pub unmapped: u64,
    /// Whether the kernel was asked for huge pages; of no account while the chunk [`Slices::is_unused`].
    pub huge: bool,
}

impl Slices {
    /// Marks slices as taken, or (`taken` false) as free and used before.
    pub fn mark(&mut self, slices: u64, taken: bool) {
        if taken {
            self.free &= !slices;
            self.dirty &= !slices;
        } else {
            self.free |= slices;
            self.dirty |= slices;
        }
        self.aged &= !slices;
    }

    /// Returns how many slices are mapped, from the first one on.
    pub fn mapped(&self) -> usize {
        64 - self.unmapped.leading_ones() as usize
    }

    /// Returns the last of the mapped slices, as far as they are free.
    pub fn unused_end(&self) -> u64 {
        let mapped = self.mapped();
        let count = if mapped == 0 { 0 } else { (self.free << (64 - mapped)).leading_ones() as usize };
        if count == 0 { 0 } else { slice_mask(mapped - count, count) }
    }

    /// Returns whether all of it is free and has no pages, so that it can become memory for other slabs than before.
    pub fn is_unused(&self) -> bool {
        self.free == !self.unmapped && self.dirty == 0
    }

    /// Returns whether one slab of `count` slices, which was just taken, is all that is in it, and nothing else of it may have
    /// pages.
    pub fn has_only(&self, count: usize) -> bool {
        self.dirty == 0 && self.free.count_ones() as usize + count == self.mapped()
    }

    /// Returns the free slices for a slab that is to be in huge pages, or (`huge` false) in none. Of a chunk of the other sort
    /// these are the slices that are resident anyway.
    pub fn free_for(&self, huge: bool) -> u64 {
        if self.huge == huge || self.is_unused() { self.free } else { self.dirty }
    }

    /// Asks for no more huge pages; those that there are stay.
    pub fn retract_huge_pages(&mut self, source: impl Source) {
        source.advise_huge(self.base, self.mapped() * SLICE, false);
        self.huge = false;
    }

    /// Returns the slices to purge.
    pub fn victims(&self, scope: PurgeScope) -> u64 {
        let victims = if matches!(scope, PurgeScope::Aged | PurgeScope::AgedBefore) {
            self.dirty & self.aged
        } else {
            self.dirty
        };
        if !self.huge {
            return victims;
        }
        let pages = (0..64).step_by(SLICES_OF_HUGE_PAGE).map(|first| slice_mask(first, SLICES_OF_HUGE_PAGE));
        pages.fold(0, |all, page| all | self.victims_of_huge_page(scope, page, victims & page))
    }

    /// Returns the slices of a huge page to purge; `victims` are those that would be if it were small pages. One of which most
    /// was free for long is split.
    fn victims_of_huge_page(&self, scope: PurgeScope, page: u64, victims: u64) -> u64 {
        // With slices that were touched, those that never were are resident as well.
        let untouched = self.free & !self.dirty & page;
        let is_mostly_free = (victims | untouched).count_ones() * 2 >= page.count_ones();
        let is_split = match scope {
            PurgeScope::Whole => false,
            PurgeScope::Aged | PurgeScope::AgedBefore => victims != 0 && is_mostly_free,
            PurgeScope::All => victims != 0,
        };
        if is_split {
            return victims | untouched;
        }
        if victims == page { page } else { 0 }
    }
}

/// Gives the pages of a chunk's `slices` back to their source. Returns those that it took.
///
/// # Safety
/// The slices belong to the chunk at `base`, and nobody needs their contents.
pub unsafe fn purge_slices(source: impl Source, base: usize, slices: u64) -> u64 {
    let (mut left, mut purged) = (slices, 0);
    while left != 0 {
        let first = left.trailing_zeros() as usize;
        let count = (!(left >> first)).trailing_zeros() as usize;
        let mask = slice_mask(first, count);
        left &= !mask;
        // SAFETY: the slices are free and taken out, so nothing is in them.
        if unsafe { source.purge(base + first * SLICE, count * SLICE) } {
            purged |= mask;
        }
    }
    purged
}

/// Returns the bits of `count` slices from `index` on.
pub const fn slice_mask(index: usize, count: usize) -> u64 {
    (u64::MAX >> (64 - count)) << index
}

/// Returns the first slices of the groups of eight that are free altogether.
pub const fn free_groups(free: u64) -> u64 {
    let pairs = free & free >> 1;
    let fours = pairs & pairs >> 2;
    fours & fours >> 4 & 0x0101_0101_0101_0101
}

/// Returns the first of the best `count` (1 or 8) slices, if there are so many.
pub fn best(free: u64, dirty: u64, count: usize) -> Option<usize> {
    if count == 1 { (free != 0).then(|| best_slice(free, dirty)) } else { best_group(free, dirty) }
}

/// Returns the first slice of the best group of eight that is free altogether, if there is one: with most slices used before.
fn best_group(free: u64, dirty: u64) -> Option<usize> {
    let groups = free_groups(free);
    let used_before = |group: usize| (dirty >> group & 0xff).count_ones();
    (0..64).step_by(8).filter(|&group| groups >> group & 1 != 0).max_by_key(|&group| (used_before(group), 64 - group))
}

/// Returns the best single slice: used before rather than fresh, from a broken group rather than a whole one.
fn best_slice(free: u64, dirty: u64) -> usize {
    let broken = free & !(free_groups(free) * 0xff);
    let choice = [dirty & broken, dirty, broken, free].into_iter().find(|&slices| slices != 0);
    choice.unwrap_or(free).trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_are_split_for_much_that_has_aged() {
        let mut slices = Slices { huge: true, ..Slices::default() };
        // Of the first huge page 16 slices are free for long, of the second one 15.
        (slices.dirty, slices.aged) = (0x7fff << 32 | 0xffff, 0xffff << 32 | 0x3fff_ffff);
        slices.free = slices.dirty;
        assert_eq!(slices.victims(PurgeScope::Aged), 0xffff);
        assert_eq!(slices.victims(PurgeScope::Whole), 0);
        assert_eq!(slices.victims(PurgeScope::All), slices.dirty);
        // One that was never touched is resident with the others.
        slices.free |= 1 << 63;
        assert_eq!(slices.victims(PurgeScope::Aged), slices.free);
        slices.dirty |= 0xffff_ffff;
        slices.free |= 0xffff_ffff;
        assert_eq!(slices.victims(PurgeScope::Whole), 0xffff_ffff);
        slices.huge = false;
        assert_eq!(slices.victims(PurgeScope::Aged), 0x7fff << 32 | 0x3fff_ffff);
    }

    #[test]
    fn slabs_are_where_they_make_nothing_resident() {
        let mut slices = Slices { huge: true, free: u64::MAX, ..Slices::default() };
        assert!(slices.is_unused() && slices.free_for(true) == u64::MAX && slices.free_for(false) == u64::MAX);
        slices.mark(7, true);
        assert!(!slices.is_unused() && slices.has_only(3) && !slices.has_only(1));
        slices.mark(2, false);
        assert!(!slices.has_only(3));
        assert_eq!((slices.free_for(true), slices.free_for(false)), (!5, 2));
        slices.huge = false;
        assert_eq!((slices.free_for(true), slices.free_for(false)), (2, !5));
    }

    #[test]
    fn groups_and_slices() {
        assert_eq!(free_groups(u64::MAX), 0x0101_0101_0101_0101);
        assert_eq!(free_groups(0xff_7fff), 0x01_0001);
        assert_eq!(best_group(0xfffe, 0), Some(8));
        assert_eq!(best_group(u64::MAX, 0), Some(0));
        assert_eq!(best_group(u64::MAX, 1 << 20 | 3 << 40), Some(40));
        assert_eq!(best_group(0x7f, 0x7f), None);
        assert_eq!(best_slice(u64::MAX, 0), 0);
        assert_eq!(best_slice(u64::MAX, 1 << 40), 40);
        assert_eq!(best_slice(u64::MAX << 1, 0), 1);
        assert_eq!(best_slice(0xff00 | 1 << 20, 1 << 9), 9);
        assert_eq!(best_slice(0xff00 | 1 << 20, 0), 20);
        assert_eq!(slice_mask(0, 64), u64::MAX);
        assert_eq!(slice_mask(63, 1), 1 << 63);
    }
}
