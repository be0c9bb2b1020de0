//! Blocks above 2 MiB, or with alignments above it: a mapping each.
//!
//! Growing moves pages, not bytes (`mremap`). Each block is at least a slice long, so no slice holds the starts of two, and
//! the page map needs to know only the slice of a block's start.
//!
//! A freed mapping is kept for a second, because touching fresh pages is the dearest thing an allocator does, and programs
//! free a large buffer to allocate the next one. The second is looked at when a huge block is freed or mapped.

use crate::locked::Locked;
use crate::metadata::Metadata;
use crate::misuse::{self, Call};
use crate::page_map::{self, Entry, SpareLeaf};
use crate::size_class::SLICE;
use xalloc_os::{Lock, clock, pages};

/// How many freed mappings are kept, for how long, and how many bytes in them: this many, or an eighth of what is in use.
const KEPT_BLOCKS: usize = 16;
const KEPT_MILLISECONDS: u64 = 1000;
const KEPT_BYTES: usize = 32 << 20;

/// What there is to know about a block.
#[derive(Clone, Copy)]
struct Record {
    base: usize,
    length: usize,
    /// The block's first byte; 0 while it is not in use.
    start: usize,
    /// The address by which it stands in the page map, whether it is in use or kept.
    entered: usize,
    /// When it was freed.
    freed: u64,
    next: *mut Record,
}

struct State {
    unused: *mut Record,
    /// Mappings that were freed a moment ago, the last one first. They stay in the page map.
    kept: *mut Record,
    /// Mappings that the kernel would not unmap: tried again in [`Huge::trim`].
    stuck: *mut Record,
    spare: Option<SpareLeaf>,
    stats: HugeStats,
}

// SAFETY: the records belong to the heap, not to a thread.
unsafe impl Send for State {}

/// The huge blocks of a heap.
pub struct Huge(Locked<State>);

/// What the huge blocks hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct HugeStats {
    /// The number of blocks that the program holds.
    pub blocks: usize,
    /// Their bytes.
    pub live: usize,
    /// Bytes in mappings that are kept although they were freed.
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

const NOT_A_BLOCK: &str = "not the start of a block in use: an interior pointer, or freed before";

impl Record {
    fn usable(&self) -> usize {
        self.base + self.length - self.start
    }
}

impl Huge {
    /// Holds nothing yet.
    #[allow(clippy::new_without_default, reason = "a static needs a const fn, which Default cannot be")]
    pub const fn new() -> Self {
        let null = core::ptr::null_mut();
        let stats = HugeStats { blocks: 0, live: 0, kept: 0 };
        Self(Locked::new(State { unused: null, kept: null, stuck: null, spare: None, stats }))
    }

    /// The lock, for fork. Under it, only the metadata's is taken.
    pub fn lock(&self) -> &Lock {
        self.0.lock()
    }

    /// A block of at least `size` bytes aligned to `align` and at least to a page. `None` if there is no memory.
    pub fn allocate(&self, size: usize, align: usize, metadata: &Metadata) -> Option<HugeBlock> {
        let size = size.max(SLICE);
        if let Some(start) = self.0.with(|state| state.reuse(size, align)) {
            return Some(HugeBlock { start: start as *mut u8, zeroed: false });
        }
        self.evict_old();
        let mapping = pages::map_aligned(size, align).or_else(|| {
            // What is kept may be all that is in the way.
            if self.trim() > 0 { pages::map_aligned(size, align) } else { None }
        })?;
        let entered = page_map::cover(mapping.start, SLICE)
            && self.0.with(|state| state.enter(mapping.base, mapping.length, mapping.start, metadata)).is_some();
        if !entered {
            // SAFETY: mapped above, seen by nobody. If the kernel keeps it, only untouched address space is lost.
            let _ = unsafe { pages::unmap(mapping.base, mapping.length) };
            return None;
        }
        Some(HugeBlock { start: mapping.start as *mut u8, zeroed: true })
    }

    /// Whether `address` lies in the mapping of `record`; the rest of its first slice may be anybody's.
    pub fn contains(&self, address: usize, record: *mut u8) -> bool {
        self.with_record(record, |_, record| address.wrapping_sub(record.base) < record.length)
    }

    /// Takes a block back.
    pub fn free(&self, address: usize, record: *mut u8) {
        let now = clock::coarse_milliseconds();
        let freed = self.with_record(record, |state, record| {
            let valid = record.start == address;
            if valid {
                state.keep(record, now);
            }
            valid
        });
        if !freed {
            return misuse::report(Call::Free, address, NOT_A_BLOCK);
        }
        self.evict(|state| state.surplus(now));
    }

    /// Gives back what was kept long enough.
    fn evict_old(&self) {
        // Most programs keep nothing, and do not pay for the clock.
        if self.stats().kept > 0 {
            let now = clock::coarse_milliseconds();
            self.evict(|state| state.surplus(now));
        }
    }

    /// Unmaps what `choose` takes out of the kept mappings, until it takes nothing. Returns how many bytes went.
    fn evict(&self, mut choose: impl FnMut(&mut State) -> *mut Record) -> usize {
        let mut given = 0;
        loop {
            let record = self.0.with(&mut choose);
            if record.is_null() {
                return given;
            }
            // Outside the lock: the kernel may take long to unmap a large block.
            // SAFETY: the record was just taken out of the list, and is nobody's until it is put into another one.
            let (base, length) = unsafe { ((*record).base, (*record).length) };
            // SAFETY: a freed block's mapping, out of the page map.
            let unmapped = unsafe { pages::unmap(base, length) };
            given += if unmapped { length } else { 0 };
            self.with_record(record.cast(), |state, record| {
                let list = if unmapped { &mut state.unused } else { &mut state.stuck };
                record.next = *list;
                *list = record;
            });
        }
    }

    /// The usable size of a block, for `call`. 0 if there is none at this address, which is reported.
    pub fn usable_size(&self, address: usize, record: *mut u8, call: Call) -> usize {
        let size = self.with_record(record, |_, record| (record.start == address).then(|| record.usable()));
        size.unwrap_or_else(|| {
            misuse::report(call, address, NOT_A_BLOCK);
            0
        })
    }

    /// Makes a block `size` bytes long, moving it if need be, without copying it. `None` if it stays as it was.
    pub fn resize(&self, address: usize, record: *mut u8, size: usize) -> Option<*mut u8> {
        self.with_record(record, |state, record| {
            let offset = record.start - record.base;
            let length = pages::round_up(size.max(SLICE), pages::page_size()).checked_add(offset)?;
            let old = record.usable();
            debug_assert_eq!(record.start, address);
            // SAFETY: the mapping is the block's, whose only owner resizes it.
            if !unsafe { pages::resize(record.base, record.length, length) } {
                if length < record.length {
                    return None;
                }
                record.base = state.relocate(record, length)?;
                record.start = record.base + offset;
            }
            record.length = length;
            state.stats.live = state.stats.live - old + record.usable();
            Some(record.start as *mut u8)
        })
    }

    fn with_record<T>(&self, record: *mut u8, f: impl FnOnce(&mut State, &mut Record) -> T) -> T {
        // SAFETY: records live as long as the process and are only touched under the lock.
        self.0.with(|state| f(state, unsafe { &mut *record.cast::<Record>() }))
    }

    /// Unmaps all that is kept, and what the kernel would not unmap before. Returns how many bytes it gave back.
    pub fn trim(&self) -> usize {
        // Each stuck mapping is tried once: those that stay so come back into the list.
        let mut stuck = self.0.with(|state| core::mem::replace(&mut state.stuck, core::ptr::null_mut()));
        self.evict(|state| {
            let record = stuck;
            if record.is_null() {
                return state.pop_oldest();
            }
            // SAFETY: under the lock; the list is this call's alone.
            stuck = unsafe { (*record).next };
            record
        })
    }

    /// What the huge blocks hold.
    pub fn stats(&self) -> HugeStats {
        self.0.with(|state| state.stats)
    }
}

impl State {
    /// Makes a record for a mapping and enters it into the page map, which covers it.
    fn enter(&mut self, base: usize, length: usize, start: usize, metadata: &Metadata) -> Option<()> {
        let record = if self.unused.is_null() {
            metadata.allocate(size_of::<Record>())?.cast::<Record>()
        } else {
            let record = self.unused;
            // SAFETY: under the lock; unused records are nobody's.
            self.unused = unsafe { (*record).next };
            record
        };
        // SAFETY: the record is nobody else's.
        unsafe { *record = Record { base, length, start, entered: start, freed: 0, next: core::ptr::null_mut() } };
        self.announce(record);
        Some(())
    }

    /// Enters a live record into the page map and the statistics.
    fn announce(&mut self, record: *mut Record) {
        // SAFETY: under the lock, and the record is live.
        let (start, usable) = unsafe {
            (*record).entered = (*record).start;
            ((*record).start, (*record).usable())
        };
        page_map::set(start & !(SLICE - 1), SLICE, Entry::Huge(record.cast()));
        self.stats.blocks += 1;
        self.stats.live += usable;
    }

    /// Puts a block that was freed `now` among the kept ones.
    fn keep(&mut self, record: &mut Record, now: u64) {
        self.stats.blocks -= 1;
        self.stats.live -= record.usable();
        self.stats.kept += record.length;
        record.start = 0;
        record.freed = now;
        record.next = self.kept;
        self.kept = record;
    }

    /// Takes the oldest kept mapping out if too much is kept or it was kept long enough; null if neither.
    fn surplus(&mut self, now: u64) -> *mut Record {
        let most = KEPT_BYTES.max(self.stats.live / 8);
        let mut count = 0;
        let mut oldest = core::ptr::null_mut::<Record>();
        let mut record = self.kept;
        // SAFETY: under the lock.
        unsafe {
            while !record.is_null() {
                // One that is too large by itself must not push out all others.
                if (*record).length > most {
                    self.unlink(record);
                    return record;
                }
                count += 1;
                oldest = record;
                record = (*record).next;
            }
            let old = !oldest.is_null() && now.saturating_sub((*oldest).freed) >= KEPT_MILLISECONDS;
            if old || count > KEPT_BLOCKS || self.stats.kept > most { self.pop_oldest() } else { core::ptr::null_mut() }
        }
    }

    /// Takes the oldest kept mapping out; null if there is none.
    fn pop_oldest(&mut self) -> *mut Record {
        let mut oldest = self.kept;
        // SAFETY: under the lock.
        unsafe {
            while !oldest.is_null() && !(*oldest).next.is_null() {
                oldest = (*oldest).next;
            }
            if !oldest.is_null() {
                self.unlink(oldest);
            }
        }
        oldest
    }

    /// Takes a mapping out of the kept ones and out of the page map.
    ///
    /// # Safety
    /// It is one of the kept ones.
    unsafe fn unlink(&mut self, record: *mut Record) {
        let mut link = &raw mut self.kept;
        // SAFETY: under the lock, and the record is in the list.
        unsafe {
            while *link != record {
                link = &raw mut (**link).next;
            }
            *link = (*record).next;
            self.stats.kept -= (*record).length;
            page_map::set((*record).entered & !(SLICE - 1), SLICE, Entry::None);
        }
    }

    /// A kept mapping that fits and is not more than a quarter larger than need be.
    fn reuse(&mut self, size: usize, align: usize) -> Option<usize> {
        let mut record = self.kept;
        // SAFETY: under the lock.
        unsafe {
            while !record.is_null() {
                let (base, length) = ((*record).base, (*record).length);
                let start = pages::round_up(base, align.max(pages::page_size()));
                let fits = start + size <= base + length && length - length / 5 <= size;
                if fits && page_map::cover(start, SLICE) {
                    self.unlink(record);
                    (*record).start = start;
                    self.announce(record);
                    return Some(start);
                }
                record = (*record).next;
            }
        }
        None
    }

    /// Moves a mapping to where it can be `length` bytes long; returns where it starts then.
    fn relocate(&mut self, record: &mut Record, length: usize) -> Option<usize> {
        // Once the pages have moved there is no way back, so what the map may need for them is there before.
        let spare = self.spare.take().or_else(SpareLeaf::new)?;
        // SAFETY: the mapping is the block's, whose only owner moves it.
        let Some(base) = (unsafe { pages::remap(record.base, record.length, length) }) else {
            self.spare = Some(spare);
            return None;
        };
        let start = base + (record.start - record.base);
        self.spare = spare.cover(start);
        page_map::set(record.start & !(SLICE - 1), SLICE, Entry::None);
        page_map::set(start & !(SLICE - 1), SLICE, Entry::Huge(core::ptr::from_mut(record).cast()));
        record.entered = start;
        Some(base)
    }
}

#[cfg(test)]
mod tests;
