//! Mappings that were freed and wait for the next block.

use super::mapping::Mapping;
use super::records::{List, Record, Records};
use crate::huge_pages;

/// How much is kept with its pages.
#[derive(Clone, Copy)]
pub struct Keeping {
    /// For how long.
    pub milliseconds: u64,
    /// How many bytes: as many as were once in use and are not now, but so many at least.
    pub least: usize,
    /// And so many at most.
    pub most: usize,
}

impl Keeping {
    /// What is kept unless the user wants something else.
    pub const SPEED: Self = Self { milliseconds: 1000, least: 32 << 20, most: 1 << 30 };
    /// Little, and no more than was in use at some time.
    pub const LEAN: Self = Self { milliseconds: 100, least: 0, most: 32 << 20 };

    /// Returns how many bytes to keep when `unused` bytes of blocks are no longer in use. Mappings are longer than their
    /// blocks: by what the alignment took, and by the room to grow ([`resize`](super::resize)); so a single block, however
    /// large, may be retained.
    pub fn bytes(&self, unused: usize) -> usize {
        let unused = unused.min(self.most);
        (unused + unused / 4).clamp(self.least, self.most) + huge_pages::SIZE
    }
}

/// Kept mappings, the last one freed first.
pub struct Kept {
    list: List,
    /// Bytes in them: as many as may have pages, or of mappings without pages all.
    pub bytes: usize,
    /// How many.
    pub count: usize,
}

impl Kept {
    pub const fn new() -> Self {
        Self { list: List::new(), bytes: 0, count: 0 }
    }

    /// Returns how long the mappings are.
    pub fn length(&self, records: &Records) -> usize {
        self.list.iter(records).map(|record| records.mapping(record).length).sum()
    }

    /// Adds a mapping that is the caller's.
    pub fn push(&mut self, record: &'static Record, records: &mut Records) {
        self.bytes += records.mapping(record).held();
        self.count += 1;
        self.list.push(record, records);
    }

    /// Takes out the mapping that can hold such a block and is nearest to it in length; before others, one that the kernel
    /// need not resize.
    pub fn take_nearest(&mut self, size: usize, align: usize, records: &mut Records) -> Option<&'static Record> {
        self.take_least(records, |mapping| {
            let penalty = if mapping.fits_as_it_is(size, align) { 0 } else { usize::MAX / 2 };
            mapping.can_fit(size, align).then(|| mapping.bytes.abs_diff(size) + penalty)
        })
    }

    /// Takes out one that is too many: the largest if it alone is too large, so that it does not push out all others;
    /// the oldest if there are more than `count`, or more than `bytes` in them, or if it was freed before `time`.
    pub fn take_surplus(
        &mut self,
        count: usize,
        bytes: usize,
        time: u64,
        records: &mut Records,
    ) -> Option<&'static Record> {
        let too_many = self.count > count || self.bytes > bytes;
        self.take_least(records, |mapping| (mapping.held() > bytes).then_some(0)).or_else(|| {
            self.take_least(records, |mapping| (too_many || mapping.freed <= time).then_some(mapping.freed as usize))
        })
    }

    /// Takes out the one for which `key` is least; the older of equals.
    fn take_least(
        &mut self,
        records: &mut Records,
        key: impl Fn(&Mapping) -> Option<usize>,
    ) -> Option<&'static Record> {
        let keyed = self.list.iter(records).filter_map(|record| Some((key(records.mapping(record))?, record)));
        let (_, least) = keyed.reduce(|least, next| if next.0 <= least.0 { next } else { least })?;
        self.list.remove(least, records);
        self.count -= 1;
        self.bytes -= records.mapping(least).held();
        Some(least)
    }
}

/// A kept mapping that is too much, and is in no list any more. Its pages go, or its addresses if it has no pages.
pub enum Surplus {
    /// It may have pages.
    Dirty(&'static Record),
    /// It has none.
    Clean(&'static Record),
}
