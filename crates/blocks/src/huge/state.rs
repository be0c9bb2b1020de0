//! The records of huge blocks, and the lock that guards them.

use super::kept::{Keeping, Kept, Surplus};
use super::mapping::{Mapping, margin};
use super::records::{List, Record, Records};
use crate::huge_pages;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::{self, Entry, SLICE, SpareLeaf};
use crate::watch::Watch;
use xalloc_os::{Lock, pages};

/// How many freed mappings are kept with their pages; [`Keeping`] says how many bytes and for how long.
const KEPT_BLOCKS: usize = 64;
/// How many are kept without pages, and how many bytes of addresses in them.
const CLEAN_BLOCKS: usize = 64;
pub const CLEAN_BYTES: usize = 1 << 30;

/// What the lock guards.
pub struct State {
    /// All records, also those without a mapping, whose length is 0.
    pub records: Records,
    /// Those that no mapping has.
    pub unused: List,
    /// Mappings that were freed a moment ago. These and the next ones stay in the page map.
    pub kept: Kept,
    /// Mappings without pages.
    pub clean: Kept,
    /// Mappings that the kernel would not unmap: tried again in [`Huge::trim`].
    pub still_mapped: List,
    /// A leaf of the page map for the next block that moves.
    pub spare: Option<SpareLeaf>,
    /// Whether there may be blocks whose mappings are longer than they must be.
    pub has_slack: bool,
    /// What the blocks hold, apart from what is kept.
    pub stats: HugeStats,
    /// How much is kept.
    pub keeping: Keeping,
}

/// The huge blocks of a heap.
pub struct Huge {
    pub(super) state: Locked<State>,
    pub(super) watch: Watch,
}

/// What the huge blocks hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct HugeStats {
    /// The number of blocks that the program holds.
    pub blocks: usize,
    /// Their bytes.
    pub live: usize,
    /// The most blocks that the program ever held.
    pub blocks_peak: usize,
    /// The most bytes that were ever in use.
    pub peak: usize,
    /// Mappings that are kept although they were freed, and may be resident.
    pub kept_mappings: usize,
    /// Their bytes.
    pub kept: usize,
}

/// A huge block just handed out.
#[derive(Clone, Copy, Debug)]
pub struct HugeBlock {
    /// Its first byte.
    pub start: *mut u8,
    /// Whether it reads as zeros.
    pub zeroed: bool,
}

impl Huge {
    /// Returns the huge blocks of a heap that has none.
    pub const fn new() -> Self {
        let stats = HugeStats { blocks: 0, live: 0, blocks_peak: 0, peak: 0, kept_mappings: 0, kept: 0 };
        let state = Locked::new(State {
            records: Records::new(),
            unused: List::new(),
            kept: Kept::new(),
            clean: Kept::new(),
            still_mapped: List::new(),
            spare: None,
            has_slack: false,
            stats,
            keeping: Keeping::SPEED,
        });
        Self { state, watch: Watch::new() }
    }

    /// Sets for how long freed mappings are kept, and whether little of them. Before the first allocation.
    pub fn tune(&self, milliseconds: u64, lean: bool) {
        let keeping = if lean { Keeping::LEAN } else { Keeping::SPEED };
        self.state.with(|state| state.keeping = Keeping { milliseconds, ..keeping });
    }

    /// Returns the lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        self.state.lock()
    }

    /// Returns whether `address`, which has this entry in the page map, lies in its mapping; the rest of its first slice may be
    /// anybody's.
    pub fn contains(&self, address: usize, entry: Entry) -> bool {
        let mapping = self.mapping(Record::of(entry));
        address.wrapping_sub(mapping.base) < mapping.length
    }

    /// Returns the usable size of the block that starts at this address, which has this entry in the page map, if one does.
    pub fn size_at(&self, address: usize, entry: Entry) -> Option<usize> {
        let mapping = self.mapping(Record::of(entry));
        (mapping.start == address).then_some(mapping.size)
    }

    /// Returns a copy of a record's mapping.
    pub(super) fn mapping(&self, record: &'static Record) -> Mapping {
        self.state.with(|state| *state.records.mapping(record))
    }

    /// Returns what the huge blocks hold.
    pub fn stats(&self) -> HugeStats {
        self.state.with(|state| HugeStats { kept_mappings: state.kept.count, kept: state.kept.bytes, ..state.stats })
    }

    /// Returns how many bytes all mappings have, those that are kept included. Looks at every mapping.
    pub fn mapped(&self) -> usize {
        self.state.with(|state| {
            let records = &state.records;
            let blocks = records.mappings().filter(|mapping| mapping.start != 0).map(|mapping| mapping.length);
            state.kept.length(records) + state.clean.length(records) + blocks.sum::<usize>()
        })
    }
}

impl State {
    /// Makes a record for a block of `size` bytes in a mapping and enters it into the page map, which covers it.
    pub fn enter(
        &mut self,
        mapping: &pages::Aligned,
        size: usize,
        huge_pages: bool,
        metadata: &Metadata,
    ) -> Option<()> {
        let record = self.unused.pop(&self.records).or_else(|| self.records.add(metadata))?;
        let (base, length) = (mapping.base, mapping.length);
        *self.records.mapping_mut(record) = Mapping {
            base,
            length,
            bytes: length - margin(),
            start: 0,
            size: 0,
            entered: 0,
            touched: 0,
            freed: 0,
            zeroed: true,
            huge_pages,
        };
        self.register(record, mapping.start, size);
        Some(())
    }

    /// Enters a record that is the caller's into the page map, which covers `start`, and the statistics, as a block.
    pub fn register(&mut self, record: &'static Record, start: usize, size: usize) {
        let mapping = self.records.mapping_mut(record);
        mapping.start = start;
        mapping.set_size(size);
        mapping.entered = start;
        self.has_slack |= mapping.slack() > 0;
        // SAFETY: the caller has covered the slice, in which the record's mapping starts.
        unsafe { page_map::set(start & !(SLICE - 1), SLICE, record.entry()) };
        self.stats.blocks += 1;
        self.stats.live += size;
        self.stats.blocks_peak = self.stats.blocks_peak.max(self.stats.blocks);
        self.stats.peak = self.stats.peak.max(self.stats.live);
    }

    /// Makes a block that was freed `now` a mapping that may be kept.
    pub fn unregister(&mut self, record: &'static Record, now: u64) {
        let mapping = self.records.mapping_mut(record);
        self.stats.blocks -= 1;
        self.stats.live -= mapping.size;
        mapping.start = 0;
        mapping.freed = now;
        mapping.zeroed = false;
    }

    /// Puts a mapping that is the caller's among the kept ones, and into the page map, which covered it when it was there.
    pub fn keep(&mut self, record: &'static Record) {
        let mapping = self.records.mapping(record);
        // SAFETY: the slice was covered when the record was entered, and no block is in its mapping.
        unsafe { page_map::set(mapping.entered & !(SLICE - 1), SLICE, record.entry()) };
        let kept = if mapping.zeroed { &mut self.clean } else { &mut self.kept };
        kept.push(record, &mut self.records);
    }

    /// Takes out of the page map what was taken out of a list.
    pub fn taken(&self, record: &'static Record) -> &'static Record {
        // SAFETY: as in `keep`.
        unsafe { page_map::set(self.records.mapping(record).entered & !(SLICE - 1), SLICE, Entry::NONE) };
        record
    }

    /// Takes out a mapping for a block: with pages, which need not be touched again; without, if they must be zeros, which
    /// come with the first touch of each page, to which a program may never get.
    pub fn take_kept(&mut self, size: usize, align: usize, zeros: bool) -> Option<&'static Record> {
        let touched = !(zeros && size >= huge_pages::BLOCK_MIN);
        let record = if touched { self.kept.take_nearest(size, align, &mut self.records) } else { None };
        let record = record.or_else(|| self.clean.take_nearest(size, align, &mut self.records))?;
        Some(self.taken(record))
    }

    /// Takes out a mapping with pages if too much is kept, or one was kept for long enough.
    pub fn take_surplus(&mut self, now: u64) -> Option<Surplus> {
        let most = self.keeping.bytes(self.stats.peak - self.stats.live);
        let time = now.saturating_sub(self.keeping.milliseconds);
        if let Some(record) = self.kept.take_surplus(KEPT_BLOCKS, most, time, &mut self.records) {
            return Some(Surplus::Dirty(self.taken(record)));
        }
        let record = self.clean.take_surplus(CLEAN_BLOCKS, CLEAN_BYTES, 0, &mut self.records)?;
        Some(Surplus::Clean(self.taken(record)))
    }

    /// Takes out the mapping with pages that was freed first.
    pub fn take_oldest(&mut self) -> Option<&'static Record> {
        let record = self.kept.take_surplus(0, usize::MAX, 0, &mut self.records)?;
        Some(self.taken(record))
    }

    /// Takes out any mapping that is kept.
    pub fn take_any(&mut self) -> Option<&'static Record> {
        self.take_kept(0, 1, false)
    }
}
