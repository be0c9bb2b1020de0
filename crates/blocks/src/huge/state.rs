//! The records of huge blocks, and the lock that guards them.

use super::kept::{self, Keeping, Kept, Record, Surplus};
use crate::huge_pages;
use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::page_map::{self, Entry, Kind, SLICE, SpareLeaf};
use crate::watch::Watch;
use core::ptr::null_mut;
use xalloc_os::{Lock, pages};

/// The kind of a huge block's first slice in the page map.
pub const KIND: Kind = Kind::ownerless(3);

/// How many freed mappings are kept with their pages; [`Keeping`] says how many bytes and for how long.
const KEPT_BLOCKS: usize = 64;
/// How many are kept without pages, and how many bytes of addresses in them.
const CLEAN_BLOCKS: usize = 64;
pub const CLEAN_BYTES: usize = 1 << 30;

/// What the lock guards.
pub struct State {
    /// All records.
    pub all: *mut Record,
    /// Those that no mapping has.
    pub unused: *mut Record,
    /// Mappings that were freed a moment ago. These and the next ones stay in the page map.
    pub kept: Kept,
    /// Mappings without pages.
    pub clean: Kept,
    /// Mappings that the kernel would not unmap: tried again in [`Huge::trim`].
    pub stuck: *mut Record,
    /// A leaf of the page map for the next block that moves.
    pub spare: Option<SpareLeaf>,
    /// Whether there may be blocks whose mappings are longer than they must be.
    pub has_slack: bool,
    /// What the blocks hold, apart from what is kept.
    pub stats: HugeStats,
    /// How much is kept.
    pub keeping: Keeping,
}

// SAFETY: the records belong to the heap, not to a thread.
unsafe impl Send for State {}

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
            all: null_mut(),
            unused: null_mut(),
            kept: Kept::new(),
            clean: Kept::new(),
            stuck: null_mut(),
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
        self.with_record(record_of(entry), |_, record| address.wrapping_sub(record.base) < record.length)
    }

    /// Returns the usable size of the block that starts at this address, which has this entry in the page map, if one does.
    pub fn size_at(&self, address: usize, entry: Entry) -> Option<usize> {
        self.with_record(record_of(entry), |_, record| (record.start == address).then_some(record.size))
    }

    /// Calls `f` with a record, under the lock.
    pub(super) fn with_record<T>(&self, record: *mut Record, f: impl FnOnce(&mut State, &mut Record) -> T) -> T {
        // SAFETY: records live as long as the process, and the lock that guards them is held.
        self.state.with(|state| f(state, unsafe { &mut *record }))
    }

    /// Returns what the huge blocks hold.
    pub fn stats(&self) -> HugeStats {
        self.state.with(|state| HugeStats { kept_mappings: state.kept.count, kept: state.kept.bytes, ..state.stats })
    }

    /// Returns how many bytes all mappings have, those that are kept included. Looks at every mapping.
    pub fn mapped(&self) -> usize {
        self.state.with(|state| {
            let blocks = state.records().filter(|record| record.start != 0).map(|record| record.length);
            state.kept.length() + state.clean.length() + blocks.sum::<usize>()
        })
    }
}

/// Returns the record of a huge block's entry in the page map.
pub fn record_of(entry: Entry) -> *mut Record {
    assert!(entry.kind() == KIND, "the entry is a huge block's");
    entry.record().cast()
}

impl State {
    /// Returns all records, also those without a mapping, whose length is 0.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        // SAFETY: the lock guards the records, and is held, because `self` is what is behind it; records are for ever.
        core::iter::successors(unsafe { self.all.as_ref() }, |record| unsafe { record.older.as_ref() })
    }

    /// Makes a record for a block of `size` bytes in a mapping and enters it into the page map, which covers it.
    pub fn enter(
        &mut self,
        mapping: &pages::Aligned,
        size: usize,
        huge_pages: bool,
        metadata: &Metadata,
    ) -> Option<()> {
        let record = self.unused_record(metadata)?;
        let (base, length, next) = (mapping.base, mapping.length, null_mut());
        // SAFETY: the record is nobody else's.
        unsafe {
            *record = Record {
                base,
                length,
                bytes: length - kept::margin(),
                start: 0,
                size: 0,
                entered: 0,
                touched: 0,
                freed: 0,
                zeroed: true,
                huge_pages,
                next,
                older: (*record).older,
            }
        };
        self.register(record, mapping.start, size);
        Some(())
    }

    /// Returns a record that is the caller's.
    fn unused_record(&mut self, metadata: &Metadata) -> Option<*mut Record> {
        let unused = self.unused;
        // SAFETY: the lock guards the records, and is held; an unused record is in no other list, and a fresh one is zeroed,
        // which is valid in every field.
        unsafe {
            if let Some(record) = unused.as_ref() {
                self.unused = record.next;
                return Some(unused);
            }
            let record = metadata.allocate(size_of::<Record>())?.cast::<Record>();
            (*record).older = self.all;
            self.all = record;
            Some(record)
        }
    }

    /// Enters a record that is the caller's into the page map, which covers `start`, and the statistics, as a block.
    pub fn register(&mut self, record: *mut Record, start: usize, size: usize) {
        // SAFETY: the record is valid, and the lock that guards it is held, because `self` is what is behind it.
        unsafe {
            (*record).start = start;
            (*record).set_size(size);
            (*record).entered = start;
            self.has_slack |= (*record).slack() > 0;
        }
        // SAFETY: the caller has covered the slice, in which the record's mapping starts.
        unsafe { page_map::set(start & !(SLICE - 1), SLICE, Entry::ownerless(KIND, record.cast())) };
        self.stats.blocks += 1;
        self.stats.live += size;
        self.stats.blocks_peak = self.stats.blocks_peak.max(self.stats.blocks);
        self.stats.peak = self.stats.peak.max(self.stats.live);
    }

    /// Makes a block that was freed `now` a mapping that may be kept.
    pub fn unregister(&mut self, record: &mut Record, now: u64) {
        self.stats.blocks -= 1;
        self.stats.live -= record.size;
        record.start = 0;
        record.freed = now;
        record.zeroed = false;
    }

    /// Puts a mapping that is the caller's among the kept ones, and into the page map, which covered it when it was there.
    pub fn keep(&mut self, record: *mut Record) {
        // SAFETY: the record is the caller's, and records live as long as the process.
        unsafe {
            page_map::set((*record).entered & !(SLICE - 1), SLICE, Entry::ownerless(KIND, record.cast()));
            if (*record).zeroed { self.clean.push(record) } else { self.kept.push(record) }
        }
    }

    /// Takes out of the page map what was taken out of a list.
    pub fn taken(record: *mut Record) -> *mut Record {
        // SAFETY: the record is the caller's, and its slice was covered when it was entered; no block is in its mapping.
        unsafe { page_map::set((*record).entered & !(SLICE - 1), SLICE, Entry::NONE) };
        record
    }

    /// Takes out a mapping for a block: with pages, which need not be touched again; without, if they must be zeros, which
    /// come with the first touch of each page, to which a program may never get.
    pub fn take_kept(&mut self, size: usize, align: usize, zeros: bool) -> Option<*mut Record> {
        let touched = !(zeros && size >= huge_pages::BLOCK_MIN);
        let record = touched.then(|| self.kept.take_nearest(size, align)).flatten();
        record.or_else(|| self.clean.take_nearest(size, align)).map(Self::taken)
    }

    /// Takes out a mapping with pages if too much is kept, or one was kept for long enough.
    pub fn take_surplus(&mut self, now: u64) -> Option<Surplus> {
        let most = self.keeping.bytes(self.stats.peak - self.stats.live);
        let time = now.saturating_sub(self.keeping.milliseconds);
        let dirty = self.kept.take_surplus(KEPT_BLOCKS, most, time).map(Self::taken);
        let clean = |state: &mut Self| state.clean.take_surplus(CLEAN_BLOCKS, CLEAN_BYTES, 0).map(Self::taken);
        dirty.map(Surplus::Dirty).or_else(|| clean(self).map(Surplus::Clean))
    }

    /// Takes out the mapping with pages that was freed first.
    pub fn take_oldest(&mut self) -> Option<*mut Record> {
        self.kept.take_surplus(0, usize::MAX, 0).map(Self::taken)
    }

    /// Takes out any mapping that is kept.
    pub fn take_any(&mut self) -> Option<*mut Record> {
        self.kept.take_nearest(0, 1).or_else(|| self.clean.take_nearest(0, 1)).map(Self::taken)
    }
}
