//! Blocks from 2 MiB on, or with alignments above 2 MiB: a mapping each.
//!
//! Growing moves pages, not bytes (`mremap`), and reserves address space for more of it, so that a program that grows a
//! buffer in small steps asks the kernel only now and then. Each block is at least a slice long, so no slice holds the
//! starts of two, and the page map needs to know only the slice of a block's start.
//!
//! A freed mapping is kept for a while, because touching fresh pages is the dearest thing an allocator does, and programs
//! free a large buffer to allocate the next one. The next one gets the mapping whose size is nearest, made as long as it
//! needs to be. What is kept and what is in use are together never more than what was once in use. What was kept that long,
//! or is too much, gives its pages back, but its addresses stay for the next block, up to a limit. The clock is looked at
//! when a huge block is freed or mapped.

use crate::huge_pages;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::{self, Entry, Kind, SLICE, SpareLeaf};
use crate::watch::Watch;
use xalloc_heap::Misuse;
use xalloc_os::{Lock, clock, pages};

mod kept;
mod mapping;
mod misuse;
mod purge;
mod records;
mod resize;
use kept::{Keeping, Kept, Surplus};
use mapping::{Mapping, margin};
use records::{List, Record, Records};
pub use resize::Stays;

/// The kind of a huge block's first slice in the page map.
pub const KIND: Kind = Kind::ownerless(3);

/// How many freed mappings are kept with their pages; [`Keeping`] says how many bytes and for how long.
const KEPT_BLOCKS: usize = 64;
/// How many are kept without pages, and how many bytes of addresses in them.
const CLEAN_BLOCKS: usize = 64;
const CLEAN_BYTES: usize = 1 << 30;

struct State {
    records: Records,
    /// Records without mappings.
    unused: List,
    /// Mappings that were freed a moment ago. These and the next ones stay in the page map.
    kept: Kept,
    /// Mappings without pages.
    clean: Kept,
    /// Mappings that the kernel would not unmap: tried again in [`Huge::trim`].
    stuck: List,
    spare: Option<SpareLeaf>,
    /// Whether there may be blocks whose mappings are longer than they must be.
    has_slack: bool,
    stats: HugeStats,
    keeping: Keeping,
}

/// The huge blocks of a heap.
pub struct Huge {
    state: Locked<State>,
    watch: Watch,
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

/// What became of a block that was to be freed.
enum Freed {
    /// Its mapping is kept; the first of those that are too much now.
    Kept(Option<Surplus>),
    /// The kernel is to be asked about its mapping, of which this is a copy.
    ToLookAt(Mapping),
    /// There is none at that address.
    NoBlock,
}

impl Huge {
    /// Holds nothing yet.
    pub const fn new() -> Self {
        let stats = HugeStats { blocks: 0, live: 0, blocks_peak: 0, peak: 0, kept_mappings: 0, kept: 0 };
        let state = Locked::new(State {
            records: Records::new(),
            unused: List::new(),
            kept: Kept::new(),
            clean: Kept::new(),
            stuck: List::new(),
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

    /// The lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        self.state.lock()
    }

    /// A block of at least `size` bytes aligned to `align` and at least to a page; one of zeros if need be, which a
    /// mapping with pages would have to be made of. `None` if there is no memory.
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

    /// Whether `address` lies in the mapping of `record`; the rest of its first slice may be anybody's.
    pub fn contains(&self, address: usize, record: *mut u8) -> bool {
        let mapping = self.mapping(Record::of(record));
        address.wrapping_sub(mapping.base) < mapping.length
    }

    /// Takes a block back. Returns its size.
    ///
    /// # Errors
    /// What there is at the address instead.
    pub fn free(&self, address: usize, record: *mut u8) -> Result<usize, Misuse> {
        let now = clock::coarse_milliseconds();
        let mut bytes = 0;
        let record = Record::of(record);
        let freed = self.state.with(|state| {
            let mapping = *state.records.mapping(record);
            if mapping.start != address {
                return Freed::NoBlock;
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
            Freed::NoBlock => return Err(self.misuse_at(address, record.address())),
            Freed::ToLookAt(mapping) => {
                self.keep_if_intact(record, &mapping);
                self.clean_surplus();
            }
            Freed::Kept(surplus) => self.give_back(surplus, now),
        }
        Ok(bytes)
    }

    /// The usable size of the block that starts at this address, if one does.
    pub fn size_at(&self, address: usize, record: *mut u8) -> Option<usize> {
        let mapping = self.mapping(Record::of(record));
        (mapping.start == address).then_some(mapping.size)
    }

    /// A copy of a record's mapping.
    fn mapping(&self, record: &'static Record) -> Mapping {
        self.state.with(|state| *state.records.mapping(record))
    }

    /// What the huge blocks hold.
    pub fn stats(&self) -> HugeStats {
        self.state.with(|state| HugeStats { kept_mappings: state.kept.count, kept: state.kept.bytes, ..state.stats })
    }

    /// How long all mappings are, those that are kept included. Looks at every mapping.
    pub fn mapped(&self) -> usize {
        self.state.with(|state| {
            let records = &state.records;
            let in_use = records.all().map(|record| records.mapping(record)).filter(|mapping| mapping.start != 0);
            in_use.map(|mapping| mapping.length).sum::<usize>()
                + state.kept.length(records)
                + state.clean.length(records)
        })
    }
}

impl State {
    /// Makes a record for a block of `size` bytes in a mapping and enters it into the page map, which covers it.
    fn enter(&mut self, mapping: &pages::Aligned, size: usize, huge_pages: bool, metadata: &Metadata) -> Option<()> {
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

    /// Enters a record that is the caller's into the page map and the statistics, as a block.
    fn register(&mut self, record: &'static Record, start: usize, size: usize) {
        let mapping = self.records.mapping_mut(record);
        mapping.start = start;
        mapping.set_size(size);
        mapping.entered = start;
        self.has_slack |= mapping.slack() > 0;
        page_map::set(start & !(SLICE - 1), SLICE, Entry::ownerless(KIND, record.address()));
        self.stats.blocks += 1;
        self.stats.live += size;
        self.stats.blocks_peak = self.stats.blocks_peak.max(self.stats.blocks);
        self.stats.peak = self.stats.peak.max(self.stats.live);
    }

    /// Makes a block that was freed `now` a mapping that may be kept.
    fn unregister(&mut self, record: &'static Record, now: u64) {
        let mapping = self.records.mapping_mut(record);
        self.stats.blocks -= 1;
        self.stats.live -= mapping.size;
        mapping.start = 0;
        mapping.freed = now;
        mapping.zeroed = false;
    }

    /// Puts a mapping that is the caller's among the kept ones, and into the page map, which covered it when it was there.
    fn keep(&mut self, record: &'static Record) {
        let mapping = self.records.mapping(record);
        page_map::set(mapping.entered & !(SLICE - 1), SLICE, Entry::ownerless(KIND, record.address()));
        let kept = if mapping.zeroed { &mut self.clean } else { &mut self.kept };
        kept.push(record, &mut self.records);
    }

    /// Takes out of the page map what was taken out of a list.
    fn taken(&self, record: &'static Record) -> &'static Record {
        page_map::set(self.records.mapping(record).entered & !(SLICE - 1), SLICE, Entry::NONE);
        record
    }

    /// Takes out a mapping for a block: with pages, which need not be touched again; without, if they must be zeros, which
    /// come with the first touch of each page, to which a program may never get.
    fn take_kept(&mut self, size: usize, align: usize, zeros: bool) -> Option<&'static Record> {
        let touched = !(zeros && size >= huge_pages::BLOCK_MIN);
        let record = if touched { self.kept.take_nearest(size, align, &mut self.records) } else { None };
        let record = record.or_else(|| self.clean.take_nearest(size, align, &mut self.records))?;
        Some(self.taken(record))
    }

    /// Takes out a mapping with pages if too much is kept, or one was kept for long enough.
    fn take_surplus(&mut self, now: u64) -> Option<Surplus> {
        let most = self.keeping.bytes(self.stats.peak - self.stats.live);
        let time = now.saturating_sub(self.keeping.milliseconds);
        if let Some(record) = self.kept.take_surplus(KEPT_BLOCKS, most, time, &mut self.records) {
            return Some(Surplus::Dirty(self.taken(record)));
        }
        let record = self.clean.take_surplus(CLEAN_BLOCKS, CLEAN_BYTES, 0, &mut self.records)?;
        Some(Surplus::Clean(self.taken(record)))
    }

    fn take_oldest(&mut self) -> Option<&'static Record> {
        let record = self.kept.take_surplus(0, usize::MAX, 0, &mut self.records)?;
        Some(self.taken(record))
    }

    fn take_any(&mut self) -> Option<&'static Record> {
        self.take_kept(0, 1, false)
    }
}

#[cfg(test)]
mod tests;
